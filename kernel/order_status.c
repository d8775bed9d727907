/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status`: the node in a dozen lines. */
#include <errno.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/page.h"
#include "kernel/orders_int.h"
#include "kernel/proc/sched.h"
#include "kernel/time/clock.h"
#include "net/net.h"
#include "proto/version.h"

int order_status(char *args, struct order_out *out)
{
	uint64_t up = clock_now_ns() / NSEC_PER_SEC;
	unsigned load = sched_load_milli() / 10;
	struct net_status net;

	if (*args)
		return -EINVAL;
	net_get_status(&net);
	order_print(out, "name      %s\n", net.name);
	order_print(out, "version   %s\n", MUSTER_VERSION);
	order_print(out, "card      %s, link %s\n", net.card, net.link ? "up" : "down");
	order_print(out, "address   %s%s%s\n", net.address, *net.address ? ", " : "", net.state);
	order_print(out, "uptime    %u days %02u:%02u:%02u\n", (unsigned)(up / 86400),
		    (unsigned)(up / 3600 % 24), (unsigned)(up / 60 % 60), (unsigned)(up % 60));
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
