/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every network card we can drive: a driver is one file, one line here, and one in tests/lib/nic.py,
 * which says how it is tested.
 */
#include "drivers/nic/nic.h"

#include <stddef.h>

extern const struct nic_driver nic_e1000;
extern const struct nic_driver nic_eepro100;
extern const struct nic_driver nic_ne2000;
extern const struct nic_driver nic_pcnet;
extern const struct nic_driver nic_rtl8139;
extern const struct nic_driver nic_rtl8139cp;
extern const struct nic_driver nic_tulip;
extern const struct nic_driver nic_virtio_net;
extern const struct nic_driver nic_vmxnet3;

const struct nic_driver *const nic_drivers[] = {
	&nic_e1000,	 /* Intel 8254x, 8257x, 82583, ICH8 to ICH10 */
	&nic_eepro100,	 /* Intel 8255x */
	&nic_ne2000,	 /* NE2000, PCI and ISA */
	&nic_pcnet,	 /* AMD Am79C97x */
	&nic_rtl8139cp,	 /* Realtek 8139C+; leaves older ones to the next */
	&nic_rtl8139,	 /* Realtek 8139 and rebranded ones */
	&nic_tulip,	 /* DEC 21140, 21143 */
	&nic_virtio_net, /* virtual machines */
	&nic_vmxnet3,	 /* VMware */
	NULL,
};
