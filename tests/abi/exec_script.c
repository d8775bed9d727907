/* SPDX-License-Identifier: GPL-2.0-or-later */
/* #! scripts, chains of exec that keep the pid, and a shell that is exec'd last. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static void script(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

int main(int argc, char **argv)
{
	char number[16], pid[32];
	int status, depth = argc > 1 ? atoi(argv[1]) : 5;
	pid_t child;

	if (argc > 2)
		CHECK(atoi(argv[2]) == getpid());
	if (depth && argc > 1) {
		printf("depth %d\n", depth);
		fflush(stdout);
		snprintf(number, sizeof(number), "%d", depth - 1);
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		execl("/proc/self/exe", argv[0], number, pid, NULL);
		CHECK(!"exec failed");
	}
	if (argc > 1) {
		execl("./script", "script", "x", "y z", NULL);
		CHECK(!"exec failed");
	}
	script("script", "#!/bin/sh -e\necho \"$# arguments: $1, $2\"\nexec ./second \"$@\"\n");
	script("second", "#!/bin/sh\nread line </etc/hostname || :\nexit $#\n");
	for (unsigned i = 0; i < abi_rounds(); i++) {
		fflush(stdout);
		child = fork();
		if (child == 0) {
			execl("/proc/self/exe", argv[0], "5", NULL);
			_exit(99);
		}
		CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 2);
	}
	printf("scripts ok\n");
	return 0;
}
