/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system-call tables, generated from their definition files, and how to look things up. */
#include "proto/syscalls.h"

#include <stdio.h>

/* The words of the definition files. */
#define V { ARG_V, 0, 0 }
#define FD { ARG_FD, 0, 0 }
#define STR { ARG_STR, 0, 0 }
#define IN(n) { ARG_IN, 0, n }
#define IN_LEN_(k, extra, ...) { ARG_IN_LEN, k, extra }
#define IN_LEN(...) IN_LEN_(__VA_ARGS__, 0, 0)
#define IN_MUL(k, n) { ARG_IN_MUL, k, n }
#define OUT(n) { ARG_OUT, 0, n }
#define OUT_RET(k) { ARG_OUT_RET, k, 1 }
#define OUT_RETMUL(k, n) { ARG_OUT_RETMUL, k, n }
#define INOUT(n) { ARG_INOUT, 0, n }
#define PART(n) { ARG_PART, 0, n }
#define PART_ALWAYS(n) { ARG_PART, 1, n }
#define PART_LEN_(k, extra, ...) { ARG_PART_LEN, k, extra }
#define PART_LEN(...) PART_LEN_(__VA_ARGS__, 0, 0)
#define IN_SELF(extra) { ARG_SELF, 0, extra }
#define PART_SELF(extra) { ARG_SELF, 1, extra }
#define INOUT_MUL(k, n) { ARG_INOUT_MUL, k, n }
#define TIMEOUT(n) { ARG_TIMEOUT, 0, n }
#define FDSET(k) { ARG_FDSET, k, 0 }
#define IOV_IN(k) { ARG_IOV_IN, k, 16 }
#define IOV_OUT(k) { ARG_IOV_OUT, k, 16 }
#define OUT_LENP(k) { ARG_OUT_LENP, k, 0 }
#define LENP { ARG_LENP, 0, 4 }
#define SIGMASK(k) { ARG_SIGMASK, k, 0 }
#define SIGMASKP { ARG_SIGMASKP, 0, 0 }
#define CMD(k) { ARG_CMD, k, 0 }

const struct sys_desc sys_table[SYSCALL_MAX + 1] = {
#define SYSCALL(nr, name, class, ...) [nr] = { #name, SYS_##class, { __VA_ARGS__ } },
#include "proto/syscalls.def"
#undef SYSCALL
};

const struct cmd_desc cmd_table[] = {
#define IOCTL(cmd, name, arg) { 16, cmd, { #name, SYS_FORWARD, { FD, V, arg } } },
#include "proto/ioctls.def"
#undef IOCTL
#define COMMAND(nr, cmd, name, class, ...) { nr, cmd, { #name, SYS_##class, { __VA_ARGS__ } } },
#include "proto/commands.def"
#undef COMMAND
};

const size_t cmd_table_len = sizeof(cmd_table) / sizeof(cmd_table[0]);

static const struct sys_desc unknown = { NULL, SYS_UNKNOWN, { V } };

const struct sys_desc *sys_lookup(uint64_t nr)
{
	if (nr > SYSCALL_MAX || !sys_table[nr].name)
		return &unknown;
	return &sys_table[nr];
}

const char *sys_name(uint64_t nr, char buf[24])
{
	const struct sys_desc *d = sys_lookup(nr);

	if (d->name)
		return d->name;
	snprintf(buf, 24, "%llu", (unsigned long long)nr);
	return buf;
}

const struct sys_desc *sys_resolve(uint64_t nr, const uint64_t args[6])
{
	const struct sys_desc *d = sys_lookup(nr);

	for (int i = 0; i < 6; i++) {
		if (d->args[i].kind != ARG_CMD)
			continue;
		for (size_t c = 0; c < cmd_table_len; c++)
			if (cmd_table[c].nr == nr && cmd_table[c].cmd == (uint32_t)args[d->args[i].ref])
				return &cmd_table[c].desc;
		return NULL;
	}
	return d;
}

int sys_accepted(uint64_t nr)
{
	const struct sys_desc *d = sys_lookup(nr);

	return d->class == SYS_FORWARD || d->class == SYS_SPLIT;
}
