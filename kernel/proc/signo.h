/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signal numbers, codes, flags and default actions of Linux on x86-64 (signal(7), sigaction(2)).
 * The names carry a prefix because newlib's and the host's signal.h have their own ideas.
 */
#ifndef KERNEL_PROC_SIGNO_H
#define KERNEL_PROC_SIGNO_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LSIG_HUP = 1, LSIG_INT, LSIG_QUIT, LSIG_ILL, LSIG_TRAP, LSIG_ABRT, LSIG_BUS, LSIG_FPE,
	LSIG_KILL, LSIG_USR1, LSIG_SEGV, LSIG_USR2, LSIG_PIPE, LSIG_ALRM, LSIG_TERM, LSIG_STKFLT,
	LSIG_CHLD, LSIG_CONT, LSIG_STOP, LSIG_TSTP, LSIG_TTIN, LSIG_TTOU, LSIG_URG, LSIG_XCPU,
	LSIG_XFSZ, LSIG_VTALRM, LSIG_PROF, LSIG_WINCH, LSIG_IO, LSIG_PWR, LSIG_SYS,
	LSIG_RTMIN = 32,
	LSIG_MAX = 64,
};

#define SIGBIT(n) (1ull << ((n) - 1))

#define SIGS_KILL_STOP (SIGBIT(LSIG_KILL) | SIGBIT(LSIG_STOP))
#define SIGS_STOP (SIGBIT(LSIG_STOP) | SIGBIT(LSIG_TSTP) | SIGBIT(LSIG_TTIN) | SIGBIT(LSIG_TTOU))
#define SIGS_IGNORED                                                                               \
	(SIGBIT(LSIG_CONT) | SIGBIT(LSIG_CHLD) | SIGBIT(LSIG_WINCH) | SIGBIT(LSIG_URG))
#define SIGS_CORE                                                                                  \
	(SIGBIT(LSIG_QUIT) | SIGBIT(LSIG_ILL) | SIGBIT(LSIG_TRAP) | SIGBIT(LSIG_ABRT) |            \
	 SIGBIT(LSIG_FPE) | SIGBIT(LSIG_SEGV) | SIGBIT(LSIG_BUS) | SIGBIT(LSIG_SYS) |              \
	 SIGBIT(LSIG_XCPU) | SIGBIT(LSIG_XFSZ))
/* Raised by the running instruction: delivered before all others. */
#define SIGS_SYNCHRONOUS                                                                           \
	(SIGBIT(LSIG_SEGV) | SIGBIT(LSIG_BUS) | SIGBIT(LSIG_ILL) | SIGBIT(LSIG_TRAP) |             \
	 SIGBIT(LSIG_FPE) | SIGBIT(LSIG_SYS))

#define LSIG_DFL 0ull
#define LSIG_IGN 1ull

#define LSA_NOCLDSTOP 0x00000001ull
#define LSA_NOCLDWAIT 0x00000002ull
#define LSA_SIGINFO 0x00000004ull
#define LSA_EXPOSE_TAGBITS 0x00000800ull
#define LSA_RESTORER 0x04000000ull
#define LSA_ONSTACK 0x08000000ull
#define LSA_RESTART 0x10000000ull
#define LSA_NODEFER 0x40000000ull
#define LSA_RESETHAND 0x80000000ull
#define LSA_ALL                                                                                    \
	(LSA_NOCLDSTOP | LSA_NOCLDWAIT | LSA_SIGINFO | LSA_EXPOSE_TAGBITS | LSA_RESTORER |         \
	 LSA_ONSTACK | LSA_RESTART | LSA_NODEFER | LSA_RESETHAND)

#define LSS_ONSTACK 1u
#define LSS_DISABLE 2u
#define LSS_AUTODISARM (1u << 31)
#define LSIG_MINSTKSZ 2048ull

#define LSI_USER 0
#define LSI_KERNEL 0x80
#define LSI_QUEUE (-1)
#define LSI_TIMER (-2)
#define LSI_TKILL (-6)
#define LSEGV_MAPERR 1
#define LSEGV_ACCERR 2
#define LBUS_ADRALN 1
#define LBUS_ADRERR 2
#define LFPE_INTDIV 1
#define LFPE_FLTDIV 3
#define LFPE_FLTOVF 4
#define LFPE_FLTUND 5
#define LFPE_FLTRES 6
#define LFPE_FLTINV 7
#define LILL_ILLOPN 2
#define LTRAP_BRKPT 1
#define LTRAP_TRACE 2

static inline bool signo_valid(uint64_t n)
{
	return n >= 1 && n <= LSIG_MAX;
}

#endif
