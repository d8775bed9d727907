/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders and names: mkdir, readdir, rename, link, symlink, readlink, unlink, rmdir and their errors. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list(const char *dir)
{
	char names[600][32];
	unsigned n = 0;
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t h = 0;

	CHECK(d);
	while ((e = readdir(d)))
		snprintf(names[n++], 32, "%.31s", e->d_name);
	closedir(d);
	qsort(names, n, 32, by_name);
	for (unsigned i = 0; i < n; i++)
		h = hash(h, names[i], strlen(names[i]));
	printf("%s: %u names %016llx\n", dir, n, (unsigned long long)h);
}

static void test(void)
{
	char name[64], buf[64];
	struct stat st, st2;
	int dir, fd;

	CHECK(!mkdir("d", 0755));
	CHECK_FAILS(mkdir("d", 0755), EEXIST);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "d/file-%d", i);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		CHECK(fd >= 0 && !close(fd));
	}
	list("d");
	CHECK(!rename("d/file-1", "d/renamed"));
	CHECK(!rename("d/file-2", "d/file-3"));
	CHECK_FAILS(rename("d/none", "d/x"), ENOENT);
	CHECK(!link("d/renamed", "d/hard") && !symlink("renamed", "d/soft"));
	CHECK(!stat("d/hard", &st) && st.st_nlink == 2);
	CHECK(!stat("d/soft", &st2) && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	CHECK(!lstat("d/soft", &st2) && S_ISLNK(st2.st_mode) && st2.st_size == 7);
	CHECK(readlink("d/soft", buf, sizeof(buf)) == 7 && !memcmp(buf, "renamed", 7));
	CHECK(readlink("d/soft", buf, 3) == 3);
	CHECK_FAILS(readlink("d/hard", buf, 3), EINVAL);
	CHECK(!symlink("loop", "d/loop"));
	CHECK_FAILS(open("d/loop", O_RDONLY), ELOOP);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0 && !fstatat(dir, "hard", &st, 0) && !unlinkat(dir, "loop", 0));
	CHECK(!faccessat(dir, "hard", R_OK, 0));
	CHECK(!fchmodat(dir, "hard", 0400, 0) && !fstatat(dir, "hard", &st, 0));
	CHECK((st.st_mode & 0777) == 0400 && !close(dir));
	list("d");
	CHECK_FAILS(rmdir("d"), ENOTEMPTY);
	CHECK_FAILS(unlink("d"), EISDIR);
	CHECK_FAILS(rmdir("d/hard"), ENOTDIR);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "d/file-%d", i);
		unlink(name);
	}
	CHECK(!unlink("d/hard") && !unlink("d/soft") && !unlink("d/renamed"));
	list("d");
	CHECK(!rmdir("d"));
	CHECK_FAILS(stat("d", &st), ENOENT);
}
