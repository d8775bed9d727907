/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders that look at the node: its state in a dozen lines, its log, its settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/guest/guest.h"
#include "kernel/klog.h"
#include "kernel/mm/page.h"
#include "kernel/orders_int.h"
#include "kernel/proc/sched.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"
#include "kernel/time/wall.h"
#include "net/net.h"
#include "proto/version.h"

int order_status(char *args, struct order_out *out)
{
	uint64_t up = clock_now_ns() / NSEC_PER_SEC;
	unsigned load = sched_load_milli() / 10;
	uint64_t now = wall_at(clock_now_ns());
	char time[WALL_TEXT_MAX];
	struct net_status net;

	if (*args)
		return -EINVAL;
	net_get_status(&net);
	order_print(out, "name      %s\n", net.name);
	order_print(out, "version   %s\n", MUSTER_VERSION);
	order_print(out, "card      %s, link %s\n", net.card, net.link ? "up" : "down");
	order_print(out, "address   %s%s%s\n", net.address, *net.address ? ", " : "", net.state);
	for (unsigned i = 0; i < net.warnings; i++)
		order_print(out, "warning   %s\n", net.warning[i]);
	order_print(out, "uptime    %u days %02u:%02u:%02u\n", (unsigned)(up / 86400),
		    (unsigned)(up / 3600 % 24), (unsigned)(up / 60 % 60), (unsigned)(up % 60));
	order_print(out, "time      %s%s\n", now ? wall_text(now, time) : "not known",
		    now ? " UTC" : "");
	order_print(out, "homes     %u connected\n", net.sessions);
	order_print(out, "guests    %u, new ones are %s\n", guest_count(),
		    guest_closed() ? "refused" : "accepted");
	order_print(out, "cpu       %d x %lu MHz, load %u.%02u\n", cpu_count(), cpu_speed_mhz(),
		    load / 100, load % 100);
	order_print(out, "memory    %lu of %lu MB free\n", mem_free_pages() >> 8,
		    mem_total_pages() >> 8);
	order_print(out, "traffic   %lu MB received, %lu MB sent\n", net.rx_bytes >> 20,
		    net.tx_bytes >> 20);
	return 0;
}

#define LOG_LINES 40

int order_log(char *args, struct order_out *out)
{
	char *end = args, piece[256];
	unsigned long lines = LOG_LINES;
	uint64_t pos, stop = klog_end();
	size_t n;

	if (*args)
		lines = strtoul(args, &end, 10);
	if (*end || lines < 1)
		return -EINVAL;
	/* No line is shorter than one byte. */
	pos = klog_back(stop, lines < KLOG_SIZE ? lines : KLOG_SIZE);
	while (pos < stop && (n = klog_read(&pos, piece, sizeof(piece) - 1)) > 0) {
		piece[n] = '\0';
		order_print(out, "%s", piece);
	}
	return 0;
}

int order_settings(char *args, struct order_out *out)
{
	struct setting_view view;
	const char *problem;

	if (*args)
		return -EINVAL;
	for (unsigned i = 0; settings_look(i, &view); i++)
		order_print(out, "%s=%s%s\n", view.setting->name, view.set ? view.value : "",
			    view.unsaved ? "  (not saved)" : "");
	for (unsigned i = 0; (problem = settings_problem(i)) != NULL; i++)
		order_print(out, "%s\n", problem);
	return 0;
}

int order_set(char *args, struct order_out *out)
{
	char *value = strchr(args, '=');
	struct setting_view view;
	int index, err;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	index = settings_find(args);
	if (index < 0) {
		order_print(out, "there is no setting %s; `settings` lists them\n", args);
		return index;
	}
	err = settings_change(args, *value ? value : NULL);
	if (err && settings_look(index, &view))
		order_print(out, "%s wants: %s=%s\n", args, args, view.setting->takes);
	if (!err)
		order_print(out, "%s%s%s holds from the next start, if it is saved\n", args,
			    *value ? "=" : " unset", value);
	return err;
}

int order_save(char *args, struct order_out *out)
{
	char why[128];
	int err;

	if (*args)
		return -EINVAL;
	err = settings_save(why, sizeof(why));
	order_print(out, "%s\n", err ? why : "saved");
	return err;
}
