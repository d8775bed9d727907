/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environment, working folder and umask belong to the process and are what it made them. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char start[PATH_MAX], here[PATH_MAX];
	struct stat st;
	int fd, dir, status;
	pid_t pid;

	CHECK(getcwd(start, sizeof(start)));
	CHECK_FAILS(chdir("nowhere"), ENOENT);
	CHECK(!mkdir("sub", 0755) && !chdir("sub") && getcwd(here, sizeof(here)));
	CHECK(strlen(here) == strlen(start) + 4 && !strcmp(here + strlen(start), "/sub"));
	fd = open("here", O_WRONLY | O_CREAT, 0666);
	CHECK(fd >= 0 && !close(fd) && !access("../sub/here", F_OK));
	dir = open("..", O_RDONLY);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* The child's folder and umask are its own. */
		umask(077);
		_exit(chdir("/") ? 1 : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!unlink("here"));
	mode_t old = umask(027);
	fd = open("masked", O_WRONLY | O_CREAT, 0666);
	CHECK(fd >= 0 && !fstat(fd, &st) && (st.st_mode & 0777) == 0640 && !close(fd));
	CHECK(umask(old) == 027);
	CHECK(!unlink("masked") && !fchdir(dir) && !close(dir) && !rmdir("sub"));
	errno = 0;
	CHECK(!getcwd(here, 2) && errno == ERANGE);
	CHECK(getcwd(here, sizeof(here)) && !strcmp(here, start));
	CHECK(!setenv("MUSTER_TEST", "value", 1) && !strcmp(getenv("MUSTER_TEST"), "value"));
	CHECK(WEXITSTATUS(system("test \"$MUSTER_TEST\" = value")) == 0);
	CHECK(!unsetenv("MUSTER_TEST") && !getenv("MUSTER_TEST"));
	printf("environment ok\n");
}
