/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs for moves.py and cpus.py; each checks itself and prints the same however often it is
 * moved. SECONDS are at most: SIGTERM ends the work early, and the checks at its end follow.
 *
 *	memory MB SECONDS	works all over a large area, and counts wrong words
 *	state SECONDS		registers, stack, thread-local data, signals, timers, files
 *	avx2 SECONDS		an instruction of AVX2 at the end, whatever the CPU said
 *	features		what the C library was told of the CPU; ld.so's code against its file
 *	calls SECONDS		system calls of many kinds, with fresh memory in and out
 *	lazy SECONDS		calls library functions for the first time after SECONDS
 *	shared|timer|filter|mem|guard|plain SECONDS	states that cannot move, and one that can
 */
#include <fcntl.h>
#include <immintrin.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/platform/x86.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static volatile sig_atomic_t told_to_end;

static void on_term(int sig)
{
	(void)sig;
	told_to_end = 1;
}

static bool before(double end)
{
	return !told_to_end && now() < end;
}

static uint64_t rnd(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static int memory(size_t mb, double seconds)
{
	size_t n = (mb << 20) / 8;
	uint64_t *a = mmap(NULL, mb << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t x = 1, bad = 0;
	double end;

	if (a == MAP_FAILED)
		return 2;
	/* Every eighth page stays as mmap gave it. */
	for (size_t i = 0; i < n; i++)
		if (i / 512 % 8)
			a[i] = i * 0x9e3779b97f4a7c15;
	for (end = now() + seconds; before(end);)
		for (int k = 0; k < 100; k++) {
			size_t i = rnd(&x) % n;

			bad += a[i] != (i / 512 % 8 ? i * 0x9e3779b97f4a7c15 : 0);
			if (i / 512 % 8)
				a[i] = i * 0x9e3779b97f4a7c15;
		}
	for (size_t i = 0; i < n; i++)
		bad += a[i] != (i / 512 % 8 ? i * 0x9e3779b97f4a7c15 : 0);
	printf("wrong words: %llu\n", (unsigned long long)bad);
	return bad != 0;
}

static __thread uint64_t tls = 7;
static volatile sig_atomic_t handled, wrong_stack;
static char altstack[65536];

static void handler(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	handled++;
	if (&here < altstack || &here >= altstack + sizeof(altstack))
		wrong_stack = 1;
	if (sig == SIGUSR1 && info->si_pid != getpid())
		wrong_stack = 2;
}

static uint64_t deep(int depth, uint64_t x)
{
	volatile char pad[700];

	pad[depth % 700] = (char)x;
	return depth ? deep(depth - 1, x * 31 + (uint64_t)pad[depth % 700]) + (uint64_t)depth : x;
}

__attribute__((target("avx2"))) static double vectors(double s)
{
	__m256d a = _mm256_set_pd(s, s + 1, s + 2, s + 3), b = _mm256_set1_pd(1.0000001);
	double o[4];

	for (int i = 0; i < 200000; i++)
		a = _mm256_add_pd(_mm256_mul_pd(a, b), _mm256_set1_pd(1e-9));
	_mm256_storeu_pd(o, a);
	return o[0] + o[1] + o[2] + o[3];
}

static int state(double seconds)
{
	stack_t ss = { altstack, 0, sizeof(altstack) }, ss2;
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_ONSTACK | SA_SIGINFO }, sa2;
	double end = now() + seconds, first[2] = { 0, 0 }, last = now();
	uint64_t first_deep[8] = { 0 };
	FILE *services = fopen("/etc/passwd", "r");
	long lines = -1, lines2;
	sigset_t set, set2;
	char line[4096];
	int raised = 0;

	if (!services || sigaltstack(&ss, NULL) || sigaction(SIGUSR1, &sa, NULL) ||
	    sigaction(SIGALRM, &sa, NULL))
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);	/* pending all the time */
	for (int round = 0; before(end); round++) {
		double v = vectors(3.5), t = now();
		uint64_t d = deep(200 + round % 8 * 300, 5);

		if (t < last)
			return printf("time went backwards\n"), 1;
		last = t;
		if (!first[0])
			first[0] = v;
		if (v != first[0])
			return printf("vectors differ\n"), 1;
		if (!first_deep[round % 8])
			first_deep[round % 8] = d;
		if (d != first_deep[round % 8])
			return printf("the stack differs\n"), 1;
		tls++;
		if (tls != 8 + (uint64_t)round)
			return printf("thread-local data differ\n"), 1;
		raise(SIGUSR1);
		raised++;
		if (handled != raised || wrong_stack)
			return printf("signals: %d of %d, %d\n", (int)handled, raised, (int)wrong_stack), 1;
		rewind(services);
		for (lines2 = 0; fgets(line, sizeof(line), services);)
			lines2++;
		if (lines >= 0 && lines != lines2)
			return printf("file: %ld lines, then %ld\n", lines, lines2), 1;
		lines = lines2;
		sigpending(&set2);
		if (!sigismember(&set2, SIGUSR2) || sigismember(&set2, SIGUSR1))
			return printf("pending signals differ\n"), 1;
		sigprocmask(SIG_BLOCK, NULL, &set2);
		if (!sigismember(&set2, SIGUSR2) || sigismember(&set2, SIGTERM))
			return printf("the signal mask differs\n"), 1;
		sigaction(SIGUSR1, NULL, &sa2);
		sigaltstack(NULL, &ss2);
		if (sa2.sa_sigaction != handler || !(sa2.sa_flags & SA_ONSTACK) || ss2.ss_sp != altstack ||
		    ss2.ss_size != sizeof(altstack) || ss2.ss_flags)
			return printf("signal settings differ\n"), 1;
	}
	printf("state kept\n");
	return 0;
}

static int calls(double seconds)
{
	double end = now() + seconds;
	uint64_t x = 9;
	int fds[2];

	while (before(end)) {
		size_t n = rnd(&x) % 60000 + 1;
		char *out = malloc(n), *in = malloc(n), path[64];
		struct stat st;
		pid_t pid;
		int status, fd;

		snprintf(path, sizeof(path), "moves.%d", getpid());
		for (size_t i = 0; i < n; i++)
			out[i] = (char)rnd(&x);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, out, n) != (ssize_t)n || fstat(fd, &st) ||
		    st.st_size != (off_t)n || pread(fd, in, n, 0) != (ssize_t)n || memcmp(in, out, n))
			return printf("file contents differ\n"), 1;
		close(fd);
		if (unlink(path) || pipe(fds))
			return printf("unlink or pipe failed\n"), 1;
		pid = fork();
		if (!pid) {
			if (write(fds[1], out, n < 4000 ? n : 4000) < 0)
				_exit(1);
			_exit(memcmp(in, out, n) ? 2 : 33);
		}
		if (pid < 0 || read(fds[0], in, n) < 1 || memcmp(in, out, n < 100 ? n : 100) ||
		    waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 33)
			return printf("a child differs\n"), 1;
		close(fds[0]);
		close(fds[1]);
		in = realloc(in, n * 3);
		free(in);
		free(out);
		usleep(500);
	}
	printf("calls right\n");
	return 0;
}

static int text_differs(struct dl_phdr_info *info, size_t size, void *arg)
{
	char *file;
	int fd;

	(void)size;
	if (!strstr(info->dlpi_name, "ld-linux"))
		return 0;
	fd = open(info->dlpi_name, O_RDONLY);
	file = mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE, fd, 0);
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			*(int *)arg = memcmp((char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr,
					     file + info->dlpi_phdr[i].p_offset,
					     info->dlpi_phdr[i].p_filesz) != 0;
	return 1;
}

static int features(void)
{
	int differs = -1;

	dl_iterate_phdr(text_differs, &differs);
	printf("avx2 %d avx512f %d xsavec %d ld.so %s\n", CPU_FEATURE_ACTIVE(AVX2),
	       CPU_FEATURE_ACTIVE(AVX512F), CPU_FEATURE_ACTIVE(XSAVEC),
	       differs ? "changed" : "unchanged");
	return 0;
}

/*
 * ld.so binds each function at its first call, and saves the vector registers with their arguments
 * meanwhile, in an area as large as it found the CPU's to be when the program started.
 */
static int lazy(double seconds)
{
	volatile uint64_t guard[64];
	volatile double x = 27;
	double end = now() + seconds, sum;

	for (int i = 0; i < 64; i++)
		guard[i] = (uint64_t)i * 0x0101010101010101;
	while (before(end))
		;
	sum = cbrt(x) + fmin(x, 5) + fma(x, 2, 3) + hypot(x, 0) + pow(x, 1) + atan2(0, x) + fdim(x, 20);
	for (int i = 0; i < 64; i++)
		if (guard[i] != (uint64_t)i * 0x0101010101010101)
			return printf("the stack was overwritten\n"), 1;
	printf("sum %.6f\n", sum);
	return 0;
}

static int avx2(double seconds)
{
	int v[8] __attribute__((aligned(32))) = { 40, 0, 0, 0, 0, 0, 0, 40 };

	printf("ready\n");
	for (double end = now() + seconds; before(end);)
		;
	__asm__ volatile("vmovdqa %0, %%ymm0\n\tvpaddd %%ymm0, %%ymm0, %%ymm0\n\tvmovdqa %%ymm0, %0"
			 : "+m"(v) : : "xmm0");
	printf("%d\n", v[0] + v[7]);
	told_to_end = 0;
	/* A second time, so that one can ask where it is. */
	for (double end = now() + seconds; before(end);)
		;
	printf("done\n");
	return 0;
}

static void filter(void)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog prog = { 1, allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int unmovable(const char *what, double seconds)
{
	struct itimerval timer = { .it_value.tv_sec = 1000 };
	double end = now() + seconds;
	pid_t child = 0;

	if (!strcmp(what, "filter")) {
		filter();
	} else if (!strcmp(what, "shared")) {
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	} else if (!strcmp(what, "mem")) {
		open("/proc/self/mem", O_RDONLY);
	} else if (!strcmp(what, "guard")) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*p = 1;
		/* Before Linux 6.13 there are none. */
		if (madvise(p + 8192, 4096, 102 /* MADV_GUARD_INSTALL */))
			puts("no guard pages");
	} else if (!strcmp(what, "timer")) {
		setitimer(ITIMER_VIRTUAL, &timer, NULL);
	}
	while (before(end))
		;
	if (child)
		kill(child, SIGKILL);
	printf("still here\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	if (!strcmp(what, "memory") && argc > 3)
		return memory((size_t)atoi(argv[2]), atof(argv[3]));
	if (!strcmp(what, "state") && argc > 2)
		return state(atof(argv[2]));
	if (!strcmp(what, "calls") && argc > 2)
		return calls(atof(argv[2]));
	if (!strcmp(what, "avx2") && argc > 2)
		return avx2(atof(argv[2]));
	if (!strcmp(what, "lazy") && argc > 2)
		return lazy(atof(argv[2]));
	if (!strcmp(what, "features"))
		return features();
	return argc > 2 ? unmovable(what, atof(argv[2])) : 2;
}
