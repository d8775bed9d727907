/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The *at calls, statx, links, times, modes, rename's flags, directory positions, handles. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "tests/abi/abi.h"

static void links_and_times(int d)
{
	struct timespec ts[2] = { { 1000000000, 123456789 }, { 0, UTIME_OMIT } };
	struct statx sx;
	struct stat st;
	char buf[32];
	int fd = openat(d, "a", O_RDWR | O_CREAT | O_EXCL, 0640);

	CHECK(fd >= 0 && write(fd, "12345", 5) == 5 && !close(fd));
	CHECK(!linkat(d, "a", d, "b", 0) && !symlinkat("a", d, "s") && readlinkat(d, "s", buf, sizeof(buf)) == 1 && buf[0] == 'a');
	memset(buf, '#', sizeof(buf));
	CHECK(readlinkat(d, "s", buf, 1) == 1 && buf[1] == '#');
	CHECK_FAILS(readlinkat(d, "a", buf, 1), EINVAL);
	CHECK(!utimensat(d, "a", ts, 0) && !fstatat(d, "b", &st, 0));
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 123456789 && st.st_nlink == 2 && st.st_size == 5);
	CHECK(!fstatat(d, "s", &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode) && st.st_size == 1);
	CHECK(!fchmodat(d, "a", 0604, 0) && !faccessat(d, "a", R_OK, 0));
	memset(&sx, '#', sizeof(sx));
	CHECK(!statx(d, "a", 0, STATX_BASIC_STATS | STATX_BTIME, &sx) && (sx.stx_mode & 07777) == 0604 && sx.stx_size == 5);
	CHECK(sx.stx_nlink == 2 && sx.stx_atime.tv_sec == 1000000000);
	CHECK_FAILS(statx(d, "zz", 0, STATX_SIZE, &sx), ENOENT);
	CHECK_FAILS(statx(d, "a", 0x80000000, STATX_SIZE, &sx), EINVAL);
	CHECK_FAILS(fstatat(d, (void *)16, &st, 0), EFAULT);
	CHECK_FAILS(fstatat(0x7fff, "a", &st, 0), EBADF);
	CHECK(!fstatat(d, "", &st, AT_EMPTY_PATH) && S_ISDIR(st.st_mode));
	CHECK_FAILS(syscall(SYS_renameat2, d, "a", d, "s", 1), EEXIST);
	CHECK(!syscall(SYS_renameat2, d, "a", d, "s", 2) && readlinkat(d, "a", buf, 4) == 1);
	CHECK(!renameat(d, "s", d, "c") && !unlinkat(d, "a", 0) && !unlinkat(d, "b", 0) && !unlinkat(d, "c", 0));
}

static void open_how(int d)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0600, .resolve = RESOLVE_BENEATH };
	int fd = syscall(SYS_openat2, d, "x", &how, sizeof(how));

	CHECK(fd >= 0 && !close(fd) && !unlinkat(d, "x", 0));
	CHECK_FAILS(syscall(SYS_openat2, d, "../x", &how, sizeof(how)), EXDEV);
	how.flags = ~0ull;
	CHECK_FAILS(syscall(SYS_openat2, d, "x", &how, sizeof(how)), EINVAL);
	CHECK_FAILS(syscall(SYS_openat2, d, "x", &how, 3), EINVAL);
	fd = openat(d, ".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0 || errno == EOPNOTSUPP);
	close(fd);
}

static void reading(int d)
{
	char name[32], seen[40] = { 0 };
	struct dirent *e;
	long at = 0;
	DIR *dir;
	int n = 0;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		CHECK(!mkdirat(d, name, 0700));
	}
	dir = fdopendir(openat(d, ".", O_RDONLY | O_DIRECTORY));
	CHECK(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		CHECK(e->d_type == DT_DIR && !seen[atoi(e->d_name + 6)]++);
		if (++n == 17)
			at = telldir(dir);
	}
	CHECK(n == 40);
	seekdir(dir, at);
	for (n = 0; (e = readdir(dir)); n++)
		;
	CHECK(n >= 23 && n <= 25);
	rewinddir(dir);
	CHECK(readdir(dir) && !closedir(dir));
	CHECK_FAILS(unlinkat(d, "entry-0", 0), EISDIR);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		CHECK(!unlinkat(d, name, AT_REMOVEDIR));
	}
}

static void handles(int d)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} h;
	int mount = 77, r;

	memset(&h, 0, sizeof(h));
	r = name_to_handle_at(d, "", &h.h, &mount, AT_EMPTY_PATH);
	if (r && errno == EOPNOTSUPP)
		return;
	CHECK(r == -1 && errno == EOVERFLOW && h.h.handle_bytes > 0 && h.h.handle_bytes <= MAX_HANDLE_SZ);
	CHECK(!name_to_handle_at(d, "", &h.h, &mount, AT_EMPTY_PATH) && mount != 77 && h.h.handle_bytes > 0);
	h.h.handle_bytes = MAX_HANDLE_SZ + 1;
	CHECK_FAILS(name_to_handle_at(d, "", &h.h, &mount, AT_EMPTY_PATH), EINVAL);
}

static void test(void)
{
	struct statfs fs;
	int d;

	CHECK(!mkdirat(AT_FDCWD, "d", 0755) && (d = open("d", O_PATH | O_DIRECTORY)) >= 0);
	links_and_times(d);
	open_how(d);
	reading(d);
	handles(d);
	CHECK(!fstatfs(d, &fs) && fs.f_bsize > 0 && !statfs("d", &fs) && !close(d) && !rmdir("d"));
	CHECK_FAILS(statfs("d", &fs), ENOENT);
	printf("at ok\n");
}
