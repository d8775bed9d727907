/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/maps and smaps as the deputy reads them: real ones, names that try to look like something
 * else, and damaged text, which may be refused but must not be misread.
 * Sources: userland/deputy/maps.c
 */
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "userland/deputy/maps.h"

static int parse(struct maps *maps, const char *text)
{
	return maps_parse(maps, strdup(text), strlen(text));
}

TEST(a_line_is_taken_apart)
{
	struct maps m;

	CHECK_EQ(parse(&m, "55d0c8a00000-55d0c8a21000 r-xp 0000a000 fe:01 1234567          /usr/bin/a b\n"), 0);
	CHECK_EQ(m.n, 1);
	CHECK_EQ(m.v[0].start, 0x55d0c8a00000);
	CHECK_EQ(m.v[0].end, 0x55d0c8a21000);
	CHECK_EQ(m.v[0].offset, 0xa000);
	CHECK_EQ(m.v[0].major, 0xfe);
	CHECK_EQ(m.v[0].minor, 1);
	CHECK_EQ(m.v[0].ino, 1234567);
	CHECK_EQ(m.v[0].prot, PROT_READ | PROT_EXEC);
	CHECK(!m.v[0].shared && !m.v[0].deleted);
	CHECK_STR(m.v[0].name, "/usr/bin/a b");
	maps_free(&m);
}

TEST(shared_deleted_and_anonymous)
{
	struct maps m;

	CHECK_EQ(parse(&m, "1000-2000 rw-s 00000000 00:01 7   /dev/shm/x (deleted)\n"
			   "2000-3000 ---p 00000000 00:00 0 \n"
			   "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0    [stack]\n"
			   "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n"), 0);
	CHECK_EQ(m.n, 3);
	CHECK(m.v[0].shared && m.v[0].deleted);
	CHECK_STR(m.v[0].name, "/dev/shm/x");
	CHECK_EQ(m.v[1].prot, 0);
	CHECK_STR(m.v[1].name, "");
	CHECK(maps_named(&m, "[stack]") == &m.v[2]);
	CHECK(maps_at(&m, 0x2fff) == &m.v[1]);
	CHECK(!maps_at(&m, 0x3000) && !maps_at(&m, 0xfff));
	maps_free(&m);
}

TEST(smaps_tell_kinds_of_memory)
{
	struct maps m;

	CHECK_EQ(parse(&m, "1000-2000 rw-p 00000000 00:00 0 \nSize: 4 kB\nRss: 0 kB\nSwap: 0 kB\n"
			   "ProtectionKey: 0\nVmFlags: rd wr mr mw me gd ac \n"
			   "2000-3000 rw-p 00000000 00:00 0 \nRss: 0 kB\nSwap: 4 kB\nVmFlags: rd wr dc\n"
			   "3000-4000 rw-p 00000000 00:00 0 \nRss: 4 kB\nProtectionKey: 3\n"
			   "VmFlags: io lo ht um\n"), 0);
	CHECK_EQ(m.n, 3);
	CHECK_EQ(m.v[0].vmf, VMF_GROWSDOWN | VMF_UNTOUCHED);
	CHECK_EQ(m.v[1].vmf, VMF_FORK);
	CHECK_EQ(m.v[2].vmf, VMF_DENSE | VMF_IO | VMF_LOCKED | VMF_HUGETLB | VMF_UFFD | VMF_PKEY);
	maps_free(&m);
}

TEST(names_cannot_pretend_to_be_lines)
{
	struct maps m;

	/* Linux writes a newline in a name as \012. */
	CHECK_EQ(parse(&m, "1000-2000 rw-p 00000000 00:00 5  /x\\0123000-4000 rw-p 00000000 00:00 0\n"), 0);
	CHECK_EQ(m.n, 1);
	maps_free(&m);
}

TEST(nonsense_is_refused)
{
	static const char *const bad[] = {
		"x\n", "1000\n", "1000-\n", "1000-2000\n", "1000-2000 rw\n", "2000-1000 rw-p 0 0:0 0\n",
		"1000-1000 rw-p 0 0:0 0\n", "1001-2000 rw-p 0 0:0 0\n", "1000-2000 rw-p 0 0:0 0",
		"1000-2000 rw-p 0 0:0 x\n", "1000-2000 rw-p 0 123456789a:0 0\n",
		"11111111111111111-2000 rw-p 0 0:0 0\n", "Rss: 4 kB\n",
		"1000-3000 rw-p 0 0:0 0\n2000-4000 rw-p 0 0:0 0\n",
	};
	struct maps m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(parse(&m, bad[i]), -EINVAL);
	CHECK_EQ(parse(&m, ""), 0);
	CHECK_EQ(m.n, 0);
	maps_free(&m);
}

TEST(damaged_text_is_survived)
{
	size_t len, n;
	char *real = proc_read("/proc/self/smaps", &len);
	struct maps m;

	CHECK(real);
	srand(1);
	for (int i = 0; i < 3000; i++) {
		n = (size_t)rand() % (len < 6000 ? len : 6000) + 1;
		char *text = malloc(n);

		memcpy(text, real, n);
		for (int k = rand() % 4; k >= 0; k--)
			text[(size_t)rand() % n] = (char)rand();
		if (maps_parse(&m, text, n))
			continue;
		for (size_t k = 0; k < m.n; k++) {
			CHECK(m.v[k].start < m.v[k].end);
			CHECK(!k || m.v[k - 1].end <= m.v[k].start);
			CHECK(maps_at(&m, m.v[k].start) == &m.v[k]);
			CHECK(strlen(m.v[k].name) < n);
		}
		maps_free(&m);
	}
	free(real);
}

TEST(our_own)
{
	struct maps m;
	char *mine = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct map *map;

	CHECK(mine != MAP_FAILED);
	for (int smaps = 0; smaps < 2; smaps++) {
		CHECK_EQ(maps_read(&m, getpid(), smaps), 0);
		CHECK(maps_named(&m, "[stack]") && maps_named(&m, "[vdso]"));
		map = maps_at(&m, (uint64_t)mine);
		CHECK(map && map->end >= (uint64_t)mine + 8192);
		CHECK(!!(maps_named(&m, "[stack]")->vmf & VMF_GROWSDOWN) == !!smaps);
		maps_free(&m);
	}
	CHECK(maps_read(&m, 0x7ffffff0, false) < 0);
}
