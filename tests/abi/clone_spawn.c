/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posix_spawn and vfork: errors come back through shared memory, attributes hold, many one after the other. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

extern char **environ;

static volatile int shared;

static int run(const char *path, posix_spawn_file_actions_t *fa, posix_spawnattr_t *at, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	int status, err;
	pid_t pid;

	err = posix_spawn(&pid, path, fa, at, argv, environ);
	if (err)
		return -err;
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void errors(void)
{
	posix_spawn_file_actions_t fa;
	FILE *f = fopen("noexec", "w");

	CHECK(f && fputs("text", f) > 0 && !fclose(f));
	CHECK(run("/none", NULL, NULL, "") == -ENOENT);
	CHECK(run("/", NULL, NULL, "") == -EACCES);
	CHECK(run("./noexec", NULL, NULL, "") == -EACCES);
	CHECK(!chmod("noexec", 0755));
	CHECK(run("./noexec", NULL, NULL, "") == -ENOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/none/none", O_WRONLY, 0);
	CHECK(run("/bin/sh", &fa, NULL, "exit 0") == -ENOENT);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, 99, 1);
	CHECK(run("/bin/sh", &fa, NULL, "exit 0") == -EBADF);
	posix_spawn_file_actions_destroy(&fa);
	unlink("noexec");
	printf("errors ok\n");
}

static void attributes(void)
{
	posix_spawnattr_t at;
	sigset_t set;

	posix_spawnattr_init(&at);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	/* Ignored signals stay ignored but for those named. */
	CHECK(run("/bin/sh", NULL, &at, "kill -USR1 $$; exit 3") == 3);
	CHECK(!posix_spawnattr_setsigdefault(&at, &set));
	CHECK(!posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
	CHECK(!posix_spawnattr_setpgroup(&at, 0));
	CHECK(run("/bin/sh", NULL, &at, "kill -USR1 $$; exit 3") == 1000 + SIGUSR1);
	CHECK(run("/bin/sh", NULL, &at, "read -r a b c d group rest < /proc/self/stat; [ $group = $$ ] && exit 4") == 4);
	posix_spawnattr_destroy(&at);
	signal(SIGUSR1, SIG_DFL);
	printf("attributes ok\n");
}

static void vforks(void)
{
	int status;
	pid_t pid;

	for (volatile int i = 0; i < 10; i++) {
		pid = vfork();
		if (!pid) {
			shared = i + 100;
			_exit(i);
		}
		CHECK(shared == i + 100);
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i);
	}
	/* The error of an execve, told as shells do. */
	shared = 0;
	pid = vfork();
	if (!pid) {
		execl("/none", "none", (char *)NULL);
		shared = errno;
		_exit(127);
	}
	CHECK(shared == ENOENT && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 127);
	/* A child that dies of a signal. */
	pid = vfork();
	if (!pid) {
		shared = 1;
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	CHECK(shared == 1 && waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	/* vfork within vfork. */
	pid = vfork();
	if (!pid) {
		pid_t inner = vfork();

		if (!inner) {
			shared = 55;
			_exit(1);
		}
		waitpid(inner, NULL, 0);
		shared++;
		_exit(0);
	}
	CHECK(shared == 56 && waitpid(pid, &status, 0) == pid && status == 0);
	printf("vfork ok\n");
}

static void test(void)
{
	fflush(stdout);
	errors();
	fflush(stdout);
	attributes();
	fflush(stdout);
	vforks();
	fflush(stdout);
}
