/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders about guests and about the machine as a whole. */
#include <errno.h>
#include <string.h>

#include "drivers/power.h"
#include "kernel/guest/guest.h"
#include "kernel/orders_int.h"
#include "net/announce.h"
#include "net/net.h"

int order_accept(char *args, struct order_out *out)
{
	bool off = !strcmp(args, "off");

	if (!off && strcmp(args, "on"))
		return -EINVAL;
	guest_close(off);
	announce_closed(off);
	order_print(out, "new guests are %s; %u here\n", off ? "refused" : "accepted",
		    guest_count());
	return 0;
}

int order_reboot(char *args, struct order_out *out)
{
	if (*args)
		return -EINVAL;
	if (guest_count()) {
		order_print(out, "%u guests are here: `expel` first\n", guest_count());
		return -EBUSY;
	}
	order_print(out, "the node starts anew\n");
	order_end(out, 0);
	net_shutdown();
	machine_reboot();
}
