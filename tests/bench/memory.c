/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with MB megabytes of memory that does not compress, to be moved about. It says `ready` and
 * then looks at one page every 2 ms. On SIGUSR1 it says for how many ms it has been held up at most
 * since the last time; on SIGTERM it checks all pages, says `right` or `wrong`, and ends.
 */
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_WORDS 512
#define PAGES_PER_MB 256
#define TICK_NS 2000000

static volatile sig_atomic_t asked, ending;

static void on_usr1(int sig)
{
	(void)sig;
	asked = 1;
}

static void on_term(int sig)
{
	(void)sig;
	ending = 1;
}

/* splitmix64's output function: every word differs from every other, and can be known later. */
static uint64_t word_at(uint64_t index)
{
	uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static int page_right(const uint64_t *words, uint64_t page)
{
	for (uint64_t i = page * PAGE_WORDS; i < (page + 1) * PAGE_WORDS; i++)
		if (words[i] != word_at(i))
			return 0;
	return 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	uint64_t pages = argc == 2 ? strtoull(argv[1], NULL, 10) * PAGES_PER_MB : 0, page = 0;
	uint64_t bytes = pages * PAGE_WORDS * sizeof(uint64_t), *words;
	double last, held = 0;
	int right = 1;

	if (!pages)
		errx(2, "usage: memory MB");
	words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		err(1, "%llu bytes", (unsigned long long)bytes);
	for (uint64_t i = 0; i < pages * PAGE_WORDS; i++)
		words[i] = word_at(i);
	signal(SIGUSR1, on_usr1);
	signal(SIGTERM, on_term);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	last = now();
	while (!ending) {
		double t;

		nanosleep(&tick, NULL);
		page = (page * 1103515245 + 12345) % pages;
		right &= page_right(words, page);
		t = now();
		if (t - last > held)
			held = t - last;
		last = t;
		if (asked) {
			asked = 0;
			printf("%.2f\n", held * 1e3);
			held = 0;
			last = now();
		}
	}
	for (page = 0; page < pages; page++)
		right &= page_right(words, page);
	puts(right ? "right" : "wrong");
	return !right;
}
