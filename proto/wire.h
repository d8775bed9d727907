/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session between one deputy at home and one node: every message, defined once.
 *
 * The stream is a sequence of frames, each a struct wire_hdr and hdr.len bytes of payload. All
 * integers are little endian; both ends are x86-64, so the structs are the wire format. Every
 * struct here is padded by hand and checked by static assertions at the end.
 *
 * hdr.tid names the process or thread by its pid at home. hdr.id pairs a request with its
 * answer; it is chosen by who asks and is unique among that side's open requests.
 *
 * docs/PROTOCOL.md tells the conversations; this file is the reference for their words.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
#include "proto/version.h"

#define WIRE_MAGIC 0x5453554dU /* "MUST" */

struct wire_hdr {
	uint32_t len;	/* bytes of payload, at most WIRE_PAYLOAD_MAX */
	uint16_t type;	/* enum wire_type */
	uint16_t flags;	/* WF_* */
	uint32_t tid;
	uint32_t id;
};

enum {
	WF_ONEWAY = 1,	/* W_CALL: no W_REPLY wanted */
	WF_LAST = 2,	/* W_PAGES, W_ORDERED: the last message that answers this id */
	WF_HOT = 4,	/* W_PAGES: sent unasked, before W_IMG_COMMIT */
	WF_BULK = 8,	/* W_PAGE_GET: background fetch; the answer must not delay calls or faults */
};

/*
 * X(name, direction, smallest payload, largest payload). Directions: HN home to node, NH node to
 * home, BOTH. Anything outside its row is refused and ends the session (wire_check()).
 */
#define WIRE_TYPES(X)                                                                     \
	/* the session */                                                                 \
	X(HELLO, BOTH, sizeof(struct wire_hello), sizeof(struct wire_hello))              \
	X(REFUSE, BOTH, sizeof(struct wire_text), sizeof(struct wire_text))               \
	X(PING, BOTH, sizeof(struct wire_clock), sizeof(struct wire_clock))               \
	X(PONG, BOTH, sizeof(struct wire_clock), sizeof(struct wire_clock))               \
	X(LOG, BOTH, sizeof(struct wire_text), sizeof(struct wire_text))                  \
	/* an image: a process on its way, in either direction */                         \
	X(IMG_BEGIN, BOTH, sizeof(struct wire_image), sizeof(struct wire_image))          \
	X(IMG_FILES, HN, sizeof(struct wire_file), WIRE_PAYLOAD_MAX)                      \
	X(IMG_VMAS, HN, sizeof(struct wire_vma), WIRE_PAYLOAD_MAX)                        \
	X(IMG_SIGACTS, HN, 64 * sizeof(struct wire_sigact), 64 * sizeof(struct wire_sigact)) \
	X(IMG_THREAD, BOTH, sizeof(struct wire_thread),                                   \
	  sizeof(struct wire_thread) + WIRE_XSTATE_MAX)                                   \
	X(IMG_SCHED, HN, sizeof(struct wire_sched), sizeof(struct wire_sched))            \
	X(IMG_SIGNAL, BOTH, sizeof(struct wire_signal), sizeof(struct wire_signal))       \
	X(IMG_RUNS, BOTH, sizeof(struct wire_run), WIRE_PAYLOAD_MAX)                      \
	X(IMG_COMMIT, BOTH, 0, 0)                                                         \
	X(IMG_RUNNING, BOTH, 0, 0)                                                        \
	X(IMG_REFUSED, BOTH, sizeof(struct wire_text), sizeof(struct wire_text))          \
	X(IMG_DONE, BOTH, 0, 0)                                                           \
	/* memory */                                                                      \
	X(PAGE_GET, BOTH, sizeof(struct wire_page_get), sizeof(struct wire_page_get))     \
	X(PAGES, BOTH, sizeof(struct wire_pages), WIRE_PAYLOAD_MAX)                       \
	/* system calls */                                                                \
	X(DATA, BOTH, 1, WIRE_PAYLOAD_MAX)                                                \
	X(CALL, NH, sizeof(struct wire_call), WIRE_PAYLOAD_MAX)                           \
	X(REPLY, HN, sizeof(struct wire_reply), WIRE_PAYLOAD_MAX)                         \
	X(ABORT, NH, 0, 0)                                                                \
	X(MMAP, NH, sizeof(struct wire_mmap), sizeof(struct wire_mmap))                   \
	X(MMAPPED, HN, sizeof(struct wire_mmapped), sizeof(struct wire_mmapped))          \
	X(FORK, NH, sizeof(struct wire_fork), sizeof(struct wire_fork))                   \
	X(PUT, NH, sizeof(struct wire_put),                                               \
	  sizeof(struct wire_put) + WIRE_PAGES_MAX * WIRE_PAGE_SIZE)                      \
	X(STALE, HN, sizeof(struct wire_file), sizeof(struct wire_file))                  \
	X(EXECING, NH, sizeof(struct wire_execing), sizeof(struct wire_execing))          \
	/* life and death */                                                              \
	X(SIGNAL, HN, sizeof(struct wire_signal), sizeof(struct wire_signal))             \
	X(STOPPED, NH, sizeof(struct wire_stopped), sizeof(struct wire_stopped))          \
	X(STOP, HN, 0, 0)                                                                 \
	X(CONT, HN, 0, 0)                                                                 \
	X(KILL, HN, 0, 0)                                                                 \
	X(RECALL, HN, sizeof(struct wire_text), sizeof(struct wire_text))                 \
	X(THREAD_EXIT, NH, 0, 0)                                                          \
	X(EXIT, NH, sizeof(struct wire_exit), sizeof(struct wire_exit))                   \
	X(STAT, NH, sizeof(struct wire_stat), sizeof(struct wire_stat))                   \
	/* running a node */                                                              \
	X(ORDER, HN, sizeof(struct wire_order), sizeof(struct wire_order))                \
	X(ORDERED, NH, sizeof(struct wire_ordered),                                       \
	  sizeof(struct wire_ordered) + WIRE_ORDERED_MAX)

enum wire_type {
	W_NONE,
#define X(name, dir, lo, hi) W_##name,
	WIRE_TYPES(X)
#undef X
	W_TYPES
};

/*
 * HELLO: the home speaks first, the node answers with its own, or with REFUSE. Neither sends
 * anything else before. A home's clocks let the node run a guest's CLOCK_* on home's time.
 */
struct wire_clock {
	uint64_t realtime_ns;
	uint64_t monotonic_ns;
	uint64_t boottime_ns;
};

struct wire_hello {
	uint32_t magic;
	uint16_t version;	/* WIRE_VERSION */
	uint16_t role;		/* 1 home, 2 node */
	uint8_t id[16];		/* of the home's boot, or of the node's boot: keys of caches */
	char name[WIRE_NAME_MAX];
	struct wire_clock clock;
	uint64_t mem_total;	/* bytes */
	uint64_t mem_free;	/* bytes */
	uint32_t ncpu;
	uint32_t xstate_size;	/* bytes of its XSAVE area, standard format, all it has enabled */
	uint64_t xcr0;
	uint32_t cpu[WIRE_CPU_WORDS];
	uint32_t pid;		/* home: the deputy's */
	uint32_t uid;		/* home: the user's */
};

struct wire_text {
	uint32_t code;		/* enum wire_reason */
	char text[WIRE_REASON_MAX];	/* NUL-terminated UTF-8 */
};

/* Why a process was refused, or came home. The text names the particulars. */
enum wire_reason {
	WHY_NONE,
	WHY_VERSION,	/* the two sides speak different versions */
	WHY_BAD_MESSAGE,	/* a message that no correct peer sends */
	WHY_MEMORY,	/* not enough memory */
	WHY_CPU,	/* a CPU feature is lacking */
	WHY_SYSCALL,	/* a system call, or a form of one, that the node does not serve */
	WHY_MAPPING,	/* a kind of mapping that cannot move */
	WHY_ASKED,	/* the user asked for it */
	WHY_LEAVING,	/* the node is leaving or closed to guests */
	WHY_STATE,	/* a state that cannot move (threads, vfork, ...) */
	WHY_FAULT,	/* an exception that home should deal with (core dump, ptrace) */
	WHY_LOST,	/* the connection */
};

/*
 * An image. Order: IMG_BEGIN, IMG_FILES*, IMG_VMAS*, IMG_SIGACTS, for each thread (the leader first)
 * IMG_THREAD, IMG_SCHED, IMG_SIGNAL*, then those of the process IMG_SIGNAL*, IMG_RUNS*, PAGES*
 * (WF_HOT), IMG_COMMIT; the receiver answers IMG_RUNNING or IMG_REFUSED. Until it
 * has seen IMG_RUNNING the source keeps everything. Afterwards the receiver fetches the pages that
 * IMG_RUNS named by PAGE_GET and says IMG_DONE when it needs the source no more.
 * On the way home FILES, VMAS, SIGACTS and SCHED are left out: home has kept them in step.
 */
enum {
	IMG_FRESH = 1,	/* a program just started by execve at home; replaces pid if it is there */
	IMG_HOME = 2,	/* on the way home */
	IMG_MAP_SYNC = 4,	/* home limits the address space: ask before every change of the map */
	IMG_I386 = 8,	/* a 32-bit program: its address space ends at 4 GB */
};

struct wire_image {
	uint32_t pid;
	uint32_t flags;		/* IMG_* */
	char comm[16];
	uint64_t brk_start;
	uint64_t brk;
	uint64_t mmap_top;	/* the node places new mappings below this */
	uint64_t vdso;		/* start of the vDSO, 0 if none */
	uint64_t vdso_len;
	/* IMG_I386: addresses in the vDSO, 0 if none: behind the int 0x80 of __kernel_vsyscall, and
	 * where handlers without SA_RESTORER return to. */
	uint32_t vdso_landing;
	uint32_t vdso_sigreturn;
	uint32_t vdso_rt_sigreturn;
	uint32_t vdso_pad;
	uint64_t total_ram;	/* of home, bytes: what overcommit is judged by */
	uint64_t rlim[16][2];	/* RLIMIT_*: soft, hard */
	uint64_t pages;		/* pages named by the IMG_RUNS that follow */
	uint64_t utime_ns;	/* CPU time burnt so far */
	uint64_t stime_ns;
	uint64_t signals;	/* on the way home: W_SIGNALs taken in; home keeps later ones */
	uint64_t sfd_mask;	/* on the way out: signals that it may read from a signalfd(2) */
	uint32_t cpu[WIRE_CPU_WORDS];	/* features the program was shown and may use */
	struct wire_text why;	/* on the way home: the reason */
};

/* A file that is mapped. The identity is the key of the node's page cache. */
struct wire_file {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;		/* bytes */
	uint64_t mtime_ns;
	uint64_t ctime_ns;
};

/*
 * mtime_ns of memory that several processes write (MAP_SHARED): dev and ino then name the memory, not
 * its content, and the node keeps the one copy as long as it runs all who share it. FRESH: nobody has
 * touched it yet, so it is all zeros, `size` bytes of them. Otherwise size is UINT64_MAX, and where it
 * ends home says page by page.
 */
#define WFILE_SHARED UINT64_MAX
#define WFILE_FRESH (UINT64_MAX - 1)
/* dev of such memory that is no file, which only those who map it can see. */
#define WFILE_MEMORY (UINT64_MAX - 1)
/* dev of a System V segment, whose id is ino. */
#define WFILE_SYSV (UINT64_MAX - 2)

enum {
	WVMA_READ = 1,	/* PROT_* */
	WVMA_WRITE = 2,
	WVMA_EXEC = 4,
	WVMA_SHARED = 8,
	WVMA_GROWSDOWN = 16,
	WVMA_VDSO = 32,	/* pages come from home, patched; cached by home's boot id */
	WVMA_RESERVED = 64,	/* occupied at home (stub's own, vvar): never touched, never reused */
	WVMA_NORESERVE = 128,
};
#define WVMA_NO_FILE 0xffffffffU

struct wire_vma {
	uint64_t start;
	uint64_t end;
	uint64_t offset;	/* bytes into the file */
	uint32_t flags;		/* WVMA_* */
	uint32_t file;		/* index over all IMG_FILES of this image, or WVMA_NO_FILE */
};

/* The kernel's struct sigaction for rt_sigaction(2), signals 1 to 64. */
struct wire_sigact {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* struct user_regs_struct of ptrace(2), in its order. */
struct wire_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/* struct user_desc of set_thread_area(2); flags are its bits in their order. */
struct wire_tls {
	uint32_t entry;
	uint32_t base;
	uint32_t limit;
	uint32_t flags;
};

#define WTLS_32BIT	 1u
#define WTLS_CONTENTS(f) ((uint64_t)(f) >> 1 & 3)
#define WTLS_READ_ONLY	 8u
#define WTLS_PAGES	 16u
#define WTLS_NOT_PRESENT 32u
#define WTLS_USEABLE	 64u
#define WTLS_LONG	 128u

struct wire_thread {
	struct wire_regs regs;
	uint64_t sigmask;
	uint64_t altstack_sp, altstack_size;
	uint32_t altstack_flags;
	uint32_t rseq_size;	/* 0: not registered */
	uint64_t rseq_addr;
	uint32_t rseq_sig;
	uint32_t xstate_len;	/* bytes of XSAVE area (standard format) that follow */
	uint64_t robust_list, robust_len;
	uint64_t clear_tid;
	uint32_t tid;		/* at home; the leader's is the pid, and comes first */
	uint32_t reserved;	/* 0 */
	struct wire_tls tls[3];	/* IMG_I386, on the way out; home was kept in step */
};

/* How home schedules the thread whose IMG_THREAD came last: sched(7). */
struct wire_sched {
	int32_t nice;		/* -20 to 19 */
	uint32_t policy;	/* SCHED_* */
	uint64_t cpus[WIRE_CPUSET_WORDS];	/* where it may run: home's CPU numbers */
};

/* A pending or arriving signal: the kernel's siginfo_t, 128 bytes, as ptrace gives it. */
struct wire_signal {
	uint32_t signo;
	uint32_t to_process;	/* 1: pending for the process, 0: for the thread */
	uint8_t info[128];
};

/*
 * Private pages that are not the file's own. RUN_SOURCE: the content is with the source of the
 * image. RUN_KEEP (on the way home only): the node never fetched them, so that the stub's own copy is
 * the current one and must not be dropped. Private pages in no run are as fresh from mmap.
 */
enum { RUN_SOURCE, RUN_KEEP };

struct wire_run {
	uint64_t addr;
	uint32_t npages;
	uint32_t kind;		/* RUN_* */
};

/*
 * Asks for pages at these addresses of process tid. The answer is PAGES* with the same id, in
 * order and without gaps, the last with WF_LAST. Any page may be asked for, again and again.
 */
struct wire_page_get {
	uint64_t addr;
	uint32_t npages;	/* 1 to WIRE_PAGE_GET_MAX */
	uint32_t file;		/* 1: they will go into a file cache: the file's own content */
};

enum wire_page_kind {
	WPAGE_RAW,	/* 4096 bytes follow */
	WPAGE_ZERO,
	WPAGE_NONE,	/* nothing there: beyond the file's end, or unreadable */
	WPAGE_GONE,	/* the process asked about is gone: nothing is known of the page */
};

struct wire_pages {
	uint64_t addr;
	uint32_t npages;	/* 1 to WIRE_PAGES_MAX */
	uint32_t reserved;
	uint8_t kind[WIRE_PAGES_MAX];	/* enum wire_page_kind; raw pages follow in order */
};

/*
 * A forwarded system call. The payload is the struct, nbufs struct wire_buf, and the content:
 * nfixups struct wire_fixup, then the buffers with WBUF_IN, one after the other. Content that does not
 * fit is sent before, in DATA messages of the same tid and id: the receiver joins DATA* and CALL's
 * part in order. REPLY and its DATA likewise carry the contents of WBUF_OUT.
 *
 * Home puts each buffer into the stub, replaces args[buf.arg] by its address, and each pointer in
 * the buffers that a fixup names by (address of target + delta).
 */
enum {
	WBUF_IN = 1,
	WBUF_OUT = 2,	/* returned whole when the call succeeds */
	WBUF_RET = 4,	/* with OUT: only the first `return value` bytes are returned */
	WBUF_BAD = 8,	/* only the first `len` bytes exist: what follows is an unmapped page */
	WBUF_ALWAYS = 16,	/* with OUT: returned whole also when the call fails */
};
#define WBUF_NO_ARG 0xffU

struct wire_buf {
	uint32_t len;
	uint8_t arg;		/* 0 to 5, or WBUF_NO_ARG: reached by a fixup only */
	uint8_t flags;		/* WBUF_* */
	uint16_t offset;	/* in its page, below WIRE_PAGE_SIZE: O_DIRECT looks at it */
};

struct wire_fixup {
	uint16_t buf;
	uint16_t target;
	uint32_t offset;	/* of the pointer in buf: 8 bytes, or 4 in a call with SYS_I386 */
	uint32_t delta;		/* bytes into target */
};

/*
 * Home keeps the stub's signal mask open, but a terminal that is asked by a background job wants to know
 * whether these are blocked: tcsetpgrp(3) does.
 */
enum {
	WCALL_BLOCKS_TTIN = 1,
	WCALL_BLOCKS_TTOU = 2,
};

struct wire_call {
	uint32_t nr;		/* with SYS_I386: made by int 0x80 */
	uint16_t nbufs;
	uint16_t flags;		/* WCALL_* */
	uint32_t nfixups;
	uint32_t total;		/* bytes of content, DATA messages included */
	uint64_t args[6];
};

/*
 * ret is what Linux returned: a value, -errno, or after an ABORT one of the kernel's own restart
 * codes (-512 ERESTARTSYS, -513 ERESTARTNOINTR, -514 ERESTARTNOHAND, -516
 * ERESTART_RESTARTBLOCK), which the node turns into a restart or -EINTR as signal(7) says.
 */
struct wire_reply {
	int64_t ret;
	uint32_t total;		/* bytes of OUT content, DATA messages included */
	uint32_t nlens;
	uint32_t lens[WIRE_BUFS_MAX];	/* bytes returned of each buffer, 0 if none */
};

/*
 * Pages of shared memory that this node has changed: of a file, at this offset; or, if it is none, for
 * the stub's mapping at addr, whose rights are prot. npages pages follow. Answered by REPLY, ret 0 or -errno.
 */
struct wire_put {
	struct wire_file file;
	uint64_t offset;	/* bytes into the file */
	uint64_t addr;
	uint32_t npages;	/* 1 to WIRE_PAGES_MAX */
	uint32_t prot;		/* PROT_* */
};

/* mmap of a file, or of new shared memory (MAP_ANONYMOUS, fd -1): executed in the stub at this very address, answered with the file's identity. */
struct wire_mmap {
	uint64_t addr;
	uint64_t len;
	uint32_t prot;
	uint32_t flags;		/* MAP_*, with MAP_FIXED or MAP_FIXED_NOREPLACE */
	int32_t fd;
	uint32_t kind;		/* MMAP_* */
	uint64_t offset;
};

/* SHMAT: shmat(2) of segment fd, with these flags of its own. */
enum { MMAP_FILE, MMAP_SHMAT };

struct wire_mmapped {
	int64_t ret;
	struct wire_text why;	/* code not WHY_NONE: the mapping was not made; retreat for this */
	struct wire_file file;
};

/*
 * Answered by REPLY with the child's pid; the node then makes the child from the parent, and says
 * IMG_RUNNING for it: signals for the child wait at home until then.
 */
struct wire_fork {
	uint64_t flags;		/* clone(2) flags: CLONE_VM and CLONE_VFORK are the node's affair */
};

/*
 * Just before CALL execve. IMG_SIGNALs follow, one for each signal that is pending: the new program
 * inherits them. What was sent after those that were taken in, home sends to the new program.
 */
struct wire_execing {
	uint64_t signals;	/* W_SIGNALs taken in since it arrived */
};

/*
 * The process stops by the default action of this signal. If a SIGCONT is among the W_SIGNALs that
 * were not taken in by then, it has been continued already, and home does nothing.
 */
struct wire_stopped {
	uint32_t signo;
	uint32_t reserved;
	uint64_t signals;	/* W_SIGNALs taken in since it arrived */
};

struct wire_exit {
	uint32_t signo;		/* died of this signal, or 0 */
	uint32_t status;	/* exit status, 0 to 255, when signo is 0 */
	uint64_t utime_ns;
	uint64_t stime_ns;
};

/*
 * Once a second for each guest of the session, and before its EXIT, its execve, and its image on the way
 * home, so that no call goes uncounted.
 */
struct wire_stat {
	uint64_t cpu_ns;	/* burnt on this node */
	uint64_t rss_pages;
	uint64_t away_pages;	/* still to be fetched */
	uint64_t calls;		/* W_CALLs: forwarded, and repeated at home */
	uint64_t faults;	/* that asked home */
	uint64_t local;		/* system calls served by the node, since the last STAT */
	uint64_t forwarded;	/* and by home */
};

/*
 * An order to the node (kernel/orders.h): one line of words. Needs no guest, only the greeting. Answered by
 * ORDERED* with the same id, the last with WF_LAST; that one has the result. Several may be under way.
 */
struct wire_order {
	char line[WIRE_ORDER_MAX];	/* NUL-terminated */
};

struct wire_ordered {
	int32_t result;		/* with WF_LAST: 0 or -errno */
	uint32_t reserved;	/* 0 */
	/* text for people follows: more of the answer, lines that end in \n, no NUL */
};

/*
 * Is this header one that a correct peer of that role may send? Returns NULL, or what is wrong with
 * it. to_node: judge as the node does.
 */
const char *wire_check(const struct wire_hdr *hdr, int to_node);
const char *wire_type_name(unsigned type);

/* Checks what the header's check cannot: that counts fit the payload. NULL or what is wrong. */
const char *wire_check_put(const void *payload, uint32_t len);
const char *wire_check_call(const void *payload, uint32_t len);
const char *wire_check_pages(const void *payload, uint32_t len);
const char *wire_check_text(struct wire_text *text);
const char *wire_check_order(const struct wire_order *order);

/* Formats a reason; always terminated, cut at WIRE_REASON_MAX. */
void wire_text_set(struct wire_text *text, enum wire_reason code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

_Static_assert(sizeof(struct wire_hdr) == 16, "wire format");
_Static_assert(sizeof(struct wire_call) == 64, "wire format");
_Static_assert(sizeof(struct wire_reply) == 48, "wire format");
_Static_assert(sizeof(struct wire_buf) == 8, "wire format");
_Static_assert(sizeof(struct wire_fixup) == 12, "wire format");
_Static_assert(sizeof(struct wire_pages) == 32, "wire format");
_Static_assert(sizeof(struct wire_vma) == 32, "wire format");
_Static_assert(sizeof(struct wire_regs) == 27 * 8, "wire format");

#endif
