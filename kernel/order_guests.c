/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders about guests, and those before which all guests must be home. */
#include <errno.h>
#include <string.h>

#include "drivers/power.h"
#include "kernel/guest/guest.h"
#include "kernel/kprintf.h"
#include "kernel/orders_int.h"
#include "net/net.h"

/* So long nothing may move before guests count as unable to leave. Home may be busy, or swap. */
#define PATIENCE_S 20
#define NAMED_MAX 10

int order_accept(char *args, struct order_out *out)
{
	bool off = !strcmp(args, "off");

	if (!off && strcmp(args, "on"))
		return -EINVAL;
	guest_close(off);
	order_print(out, "new guests are %s; here now: %u\n",
		    guest_closed() ? "refused" : "accepted", guest_count());
	return 0;
}

static void tell(void *arg, unsigned guests, unsigned memories)
{
	struct order_out *out = arg;

	if (guests)
		order_print(out, "still here: %u\n", guests);
	else
		order_print(out, "all have left; the memory of %u is still on its way home\n",
			    memories);
	order_flush(out);
}

static void name_those_left(struct order_out *out)
{
	struct guest_info left[NAMED_MAX];
	unsigned n = guest_list(left, NAMED_MAX), all = guest_count();

	order_print(out, "nothing has moved for %d s; not gone home:\n", PATIENCE_S);
	for (unsigned i = 0; i < n; i++)
		order_print(out, "  %u %s, of %s\n", left[i].pid, left[i].comm, left[i].home);
	if (all > n)
		order_print(out, "  and %u more\n", all - n);
}

int order_send_home(struct order_out *out, const char *why)
{
	int n = guest_expel(why, PATIENCE_S, tell, out);

	if (n < 0)
		name_those_left(out);
	else if (n)
		order_print(out, "sent home: %d; no guest is left\n", n);
	else
		order_print(out, "there is no guest\n");
	return n < 0 ? n : 0;
}

int order_expel(char *args, struct order_out *out)
{
	return *args ? -EINVAL : order_send_home(out, "the node was told to send its guests home");
}

/* Does not return unless guests are in the way, or somebody else is at it. */
static int go_down(char *args, struct order_out *out, const char *what, void (*act)(void))
{
	static bool going; /* atomic */
	bool now = !strcmp(args, "now");
	int err = 0;

	if (*args && !now)
		return -EINVAL;
	if (__atomic_exchange_n(&going, true, __ATOMIC_SEQ_CST)) {
		order_print(out, "the node is going down already\n");
		return -EBUSY;
	}
	guest_leaving(true);
	if (!now)
		err = order_send_home(out, what);
	if (err) {
		guest_leaving(false);
		order_print(out,
			    "the machine stays on; with `now` behind the order it does not, and "
			    "they are ended\n");
		__atomic_store_n(&going, false, __ATOMIC_SEQ_CST);
		return err;
	}
	kprintf("order: %s\n", what);
	order_print(out, "%s\n", what);
	order_end(out, 0);
	net_shutdown(what);
	act();
	return 0;
}

int order_reboot(char *args, struct order_out *out)
{
	return go_down(args, out, "the node starts anew", machine_reboot);
}

int order_poweroff(char *args, struct order_out *out)
{
	return go_down(args, out, "the node switches off", machine_poweroff);
}
