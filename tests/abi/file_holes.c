/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holes and space: fallocate, SEEK_DATA and SEEK_HOLE, hints, syncing, sizes beyond 4 GB. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct stat st;
	char buf[8];

	CHECK(fd >= 0 && !ftruncate(fd, 1 << 20) && pwrite(fd, "data", 4, 512 << 10) == 4);
	printf("data at %lld, hole at %lld\n", (long long)lseek(fd, 0, SEEK_DATA), (long long)lseek(fd, 0, SEEK_HOLE));
	CHECK_FAILS(lseek(fd, 2 << 20, SEEK_DATA), ENXIO);
	CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, 1 << 20, 1 << 20)) {
		CHECK(!fstat(fd, &st) && st.st_size == 1 << 20);
		CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 512 << 10, 4096));
		CHECK(pread(fd, buf, 4, 512 << 10) == 4 && !buf[0] && !buf[3]);
	} else {
		CHECK(errno == EOPNOTSUPP);
	}
	CHECK(!posix_fallocate(fd, 0, 2 << 20) && !fstat(fd, &st) && st.st_size == 2 << 20);
	CHECK(!ftruncate(fd, 5ll << 30) && pwrite(fd, "far", 3, 5ll << 30) == 3 && lseek(fd, 0, SEEK_END) == (5ll << 30) + 3);
	CHECK(pread(fd, buf, 8, 5ll << 30) == 3 && !memcmp(buf, "far", 3));
	CHECK(!fsync(fd) && !fdatasync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) && !readahead(fd, 0, 4096));
	CHECK(!sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE) && !syncfs(fd));
	CHECK(posix_fadvise(fd, 0, 0, 99) == EINVAL);
	CHECK(!truncate("f", 3) && !fstat(fd, &st) && st.st_size == 3);
	CHECK_FAILS(truncate("nothing", 3), ENOENT);
	CHECK_FAILS(ftruncate(fd, -1), EINVAL);
	close(fd);
	CHECK(!unlink("f"));
	printf("holes ok\n");
}
