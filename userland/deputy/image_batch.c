/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many injected calls by one stop. */
#include "userland/deputy/image_batch.h"

#include <errno.h>
#include <string.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

/*
 * Entered with the table's address in rdi and the count in rsi. Only rcx, r11 and rax are the
 * kernel's to change, so r12 and r13 keep the loop's state. At the end it jumps to the int3.
 */
static const uint8_t loop[] = {
	0x49, 0x89, 0xfc,		/*	mov %rdi,%r12 */
	0x49, 0x89, 0xf5,		/*	mov %rsi,%r13 */
	0x49, 0x8b, 0x04, 0x24,		/* 1:	mov (%r12),%rax */
	0x49, 0x8b, 0x7c, 0x24, 8,	/*	mov 8(%r12),%rdi */
	0x49, 0x8b, 0x74, 0x24, 16,	/*	mov 16(%r12),%rsi */
	0x49, 0x8b, 0x54, 0x24, 24,	/*	mov 24(%r12),%rdx */
	0x4d, 0x8b, 0x54, 0x24, 32,	/*	mov 32(%r12),%r10 */
	0x4d, 0x8b, 0x44, 0x24, 40,	/*	mov 40(%r12),%r8 */
	0x4d, 0x8b, 0x4c, 0x24, 48,	/*	mov 48(%r12),%r9 */
	0x0f, 0x05,			/*	syscall */
	0x49, 0x89, 0x44, 0x24, 56,	/*	mov %rax,56(%r12) */
	0x49, 0x83, 0xc4, 64,		/*	add $64,%r12 */
	0x49, 0xff, 0xcd,		/*	dec %r13 */
	0x75, 0xce,			/*	jnz 1b */
};

#define LOOP_AT 64u /* behind the gadget, whose int3 ends this, too */

_Static_assert(sizeof(struct batch_call) == 64, "the loop's stride");

int stub_batch_init(struct stub *stub)
{
	uint8_t code[sizeof(loop) + 5];
	int32_t back = 2 - (int32_t)(LOOP_AT + sizeof(code));

	memcpy(code, loop, sizeof(loop));
	code[sizeof(loop)] = 0xe9; /* jmp to the int3 */
	memcpy(code + sizeof(loop) + 1, &back, sizeof(back));
	return stub_write(stub, stub->process->agent.base + LOOP_AT, code, sizeof(code));
}

int stub_batch(struct stub *stub, struct batch_call *calls, unsigned n)
{
	int64_t table = agent_scratch(stub, 2 * BATCH_DATA);
	int err = table < 0 ? (int)table : 0;

	while (!err && n) {
		const uint64_t args[6] = { (uint64_t)table, n < BATCH_MAX ? n : BATCH_MAX };
		unsigned k = (unsigned)args[1];

		err = stub_write(stub, (uint64_t)table, calls, k * sizeof(*calls));
		if (err)
			break;
		/* What it returns is the last call's result: it is in the table. */
		inject_run(stub, stub->process->agent.base + LOOP_AT, 0, args);
		if (stub->dead)
			return -ESRCH;
		err = stub_read(stub, (uint64_t)table, calls, k * sizeof(*calls));
		calls += k;
		n -= k;
	}
	return err;
}
