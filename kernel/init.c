/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Defaults for the parts that a reduced kernel may lack.
 */
#include "kernel/init.h"

__attribute__((weak)) void drivers_init(void)
{
}

__attribute__((weak)) void net_init(void)
{
}

__attribute__((weak)) void guest_init(void)
{
}

__attribute__((weak)) void screen_init(void)
{
}
