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
#define FDSET(k) { ARG_FDSET, k, 8 }
#define FDSET32(k) { ARG_FDSET, k, 4 }
#define IOV_IN(k) { ARG_IOV_IN, k, 16 }
#define IOV_OUT(k) { ARG_IOV_OUT, k, 16 }
#define IOV32_IN(k) { ARG_IOV_IN, k, 8 }
#define IOV32_OUT(k) { ARG_IOV_OUT, k, 8 }
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

#define ROW_FORWARD(name, ...) { #name, SYS_FORWARD, { __VA_ARGS__ } }
#define ROW_SAME(name, function) { #name, SYS_LOCAL, { V } }
#define ROW_SAME_SPLIT(name, function, ...) { #name, SYS_SPLIT, { __VA_ARGS__ } }
#define ROW_OWN(name) { #name, SYS_LOCAL, { V } }
#define ROW_OWN_SPLIT(name, ...) { #name, SYS_SPLIT, { __VA_ARGS__ } }
#define ROW_RETREAT(name) { #name, SYS_RETREAT, { V } }

const struct sys_desc sys32_table[SYSCALL_MAX + 1] = {
#define SYSCALL32(nr, name, class, ...) [nr] = ROW_##class(name, ##__VA_ARGS__),
#include "proto/syscalls32.def"
#undef SYSCALL32
};

const struct cmd_desc cmd_table[] = {
#define COMMAND32(nr, cmd, name, class, ...) \
	{ nr | SYS_I386, cmd, { #name, SYS_##class, { __VA_ARGS__ } } },
#include "proto/commands32.def"
#undef COMMAND32
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
	const struct sys_desc *table = sys_table;

	if (sys_is_i386(nr)) {
		table = sys32_table;
		nr -= SYS_I386;
	}
	if (nr > SYSCALL_MAX || !table[nr].name)
		return &unknown;
	return &table[nr];
}

const char *sys_name(uint64_t nr, char buf[24])
{
	const struct sys_desc *d = sys_lookup(nr);

	if (d->name)
		return d->name;
	snprintf(buf, 24, "%llu", (unsigned long long)(sys_is_i386(nr) ? nr - SYS_I386 : nr));
	return buf;
}

static const struct sys_desc *find_command(uint64_t nr, uint32_t cmd)
{
	for (size_t c = 0; c < cmd_table_len; c++)
		if (cmd_table[c].nr == nr && cmd_table[c].cmd == cmd)
			return &cmd_table[c].desc;
	return NULL;
}

/* The call whose commands these are: fcntl has those of fcntl64, and then those of 64 bits. */
static const struct {
	uint16_t nr, own, native;
} commands32[] = {
	{ 54, 54, 16 },   /* ioctl */
	{ 55, 221, 72 },  /* fcntl */
	{ 221, 221, 72 }, /* fcntl64 */
	{ 172, 172, 157 }, /* prctl */
	{ 384, 384, 158 }, /* arch_prctl */
};

static const struct sys_desc *find_command32(uint64_t nr, uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(commands32) / sizeof(commands32[0]); i++) {
		const struct sys_desc *d;

		if (commands32[i].nr != nr - SYS_I386)
			continue;
		d = find_command(commands32[i].own | SYS_I386, cmd);
		return d ? d : find_command(commands32[i].native, cmd);
	}
	return NULL;
}

const struct sys_desc *sys_resolve(uint64_t nr, const uint64_t args[6])
{
	const struct sys_desc *d = sys_lookup(nr);

	for (int i = 0; i < 6; i++) {
		uint32_t cmd = (uint32_t)args[d->args[i].ref];

		if (d->args[i].kind == ARG_CMD)
			return sys_is_i386(nr) ? find_command32(nr, cmd) : find_command(nr, cmd);
	}
	return d;
}

int sys_accepted(uint64_t nr)
{
	const struct sys_desc *d = sys_lookup(nr);

	return d->class == SYS_FORWARD || d->class == SYS_SPLIT;
}
