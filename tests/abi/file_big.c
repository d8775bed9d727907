/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call may carry 10 MB, and then 30 MB: more than any message between machines. */
#include <fcntl.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static void round_trip(size_t size)
{
	uint8_t *out = malloc(size), *in = malloc(size);
	int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);
	uint64_t state = size, word;

	CHECK(out && in && fd >= 0);
	for (size_t i = 0; i + 8 <= size; i += 8) {
		word = rnd(&state);
		memcpy(out + i, &word, 8);
	}
	CHECK(write(fd, out, size) == (ssize_t)size);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	memset(in, 1, size);
	CHECK(read(fd, in, size + 0) == (ssize_t)size);
	CHECK(!memcmp(in, out, size));
	/* More asked for than there is. */
	CHECK(pread(fd, in, size, size / 2) == (ssize_t)(size - size / 2));
	CHECK(close(fd) == 0 && unlink("big") == 0);
	printf("%zu bytes %016llx\n", size, (unsigned long long)hash(0, in, size / 2));
	free(out);
	free(in);
}

int main(void)
{
	for (unsigned i = 0; i < abi_rounds(); i++)
		round_trip((10 << 20) + i);
	round_trip((30 << 20) + 4096);
	return 0;
}
