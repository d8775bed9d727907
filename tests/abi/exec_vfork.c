/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfork holds the parent until exec; posix_spawn sets up descriptors; system and popen work. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

extern char **environ;

static void test(void)
{
	volatile int shared = 1;
	int status, fd[2];
	char buf[64];
	ssize_t n;
	pid_t pid;
	FILE *f;
	posix_spawn_file_actions_t fa;
	char *argv[] = { "sh", "-c", "echo spawned; echo error >&2; exit 5", NULL };

	fflush(stdout);
	pid = vfork();
	if (pid == 0) {
		shared = 2;	/* the parent's own memory, which waits for us */
		execl("/bin/sh", "sh", "-c", "exit 4", (char *)NULL);
		_exit(99);
	}
	CHECK(shared == 2);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 4);
	pid = vfork();
	if (pid == 0)
		_exit(6);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
	CHECK(!pipe(fd));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd[1], 1);
	posix_spawn_file_actions_addopen(&fa, 2, "stderr", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_addclose(&fa, fd[0]);
	CHECK(!posix_spawn(&pid, "/bin/sh", &fa, NULL, argv, environ));
	posix_spawn_file_actions_destroy(&fa);
	close(fd[1]);
	n = read(fd[0], buf, sizeof(buf));
	CHECK(n == 8 && !memcmp(buf, "spawned\n", 8));
	close(fd[0]);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
	CHECK(posix_spawn(&pid, "/none", NULL, NULL, argv, environ) == ENOENT);
	CHECK(WEXITSTATUS(system("exit 3")) == 3);
	f = popen("echo from popen; cat stderr", "r");
	CHECK(f && fgets(buf, sizeof(buf), f) && !strcmp(buf, "from popen\n"));
	CHECK(fgets(buf, sizeof(buf), f) && !strcmp(buf, "error\n"));
	CHECK(pclose(f) == 0);
	printf("vfork and spawn ok\n");
}
