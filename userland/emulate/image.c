/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings for one node in a copy of an image. muster.cfg (iso/muster.cfg.in) lies in it in one piece
 * and uncompressed, with comments that leave room; so it is overwritten in place, keeping its length.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"

static const char cfg_start[] = "# Settings of this node.";
static const char cfg_last[] = "set muster_timeout=";

static int patch(char *image, size_t size, const char *file, const char *args)
{
	char *start = memmem(image, size, cfg_start, strlen(cfg_start)), *last, *end;
	char *text;
	int len;

	last = start ? memmem(start, image + size - start, cfg_last, strlen(cfg_last)) : NULL;
	end = last ? memchr(last, '\n', image + size - last) : NULL;
	if (!end) {
		fprintf(stderr, "emulate: %s: no settings (muster.cfg) found in it\n", file);
		return -EINVAL;
	}
	len = asprintf(&text, "set muster_args=\"%s\"\nset muster_timeout=0", args);
	if (len < 0)
		return -ENOMEM;
	if (len > end - start) {
		fprintf(stderr, "emulate: %s: no room for the settings: %s\n", file, args);
		free(text);
		return -ENOSPC;
	}
	memset(start, '\n', end - start);
	memcpy(start, text, len);
	free(text);
	return 0;
}

static int write_all(const char *out, const char *buf, size_t size)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;

	while (fd >= 0 && size && !rc) {
		ssize_t n = write(fd, buf, size);

		if (n < 0)
			rc = -errno;
		else {
			buf += n;
			size -= n;
		}
	}
	if (fd < 0 || (close(fd) && !rc))
		rc = -errno;
	if (rc)
		fprintf(stderr, "emulate: %s: %s\n", out, strerror(-rc));
	return rc;
}

int image_with_args(const char *file, const char *args, const char *out)
{
	struct stat st;
	char *buf = NULL;
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) || !(buf = malloc(st.st_size + 1)) ||
	    (n = read(fd, buf, st.st_size)) < 0) {
		rc = -errno;
		fprintf(stderr, "emulate: %s: %s\n", file, strerror(errno));
	} else {
		rc = patch(buf, n, file, args);
		if (!rc)
			rc = write_all(out, buf, n);
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	return rc;
}
