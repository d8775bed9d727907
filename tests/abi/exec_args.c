/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec hands over arguments and environment of any size, closes what is to be closed, and fails cleanly. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

extern char **environ;

static int child(int argc, char **argv)
{
	uint64_t h = 0;

	for (int i = 0; i < argc; i++)
		h = hash(h, argv[i], strlen(argv[i]) + 1);
	for (char **e = environ; *e; e++)
		h = hash(h, *e, strlen(*e) + 1);
	printf("child: %d arguments, %016llx\n", argc, (unsigned long long)h);
	CHECK_FAILS(fcntl(20, F_GETFD), EBADF);
	CHECK(fcntl(21, F_GETFD) == 0);
	return 42;
}

static void run(char *const argv[], char *const env[], int want)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execve("/proc/self/exe", argv, env);
		_exit(99);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == want);
}

int main(int argc, char **argv)
{
	static char big[100000];
	char *many[2002] = { "child" };
	char *few[] = { "child", "a", "", "b c", NULL };
	char *env[] = { "A=1", "EMPTY=", "NOEQUALS", NULL };
	char *none[] = { NULL };
	int fd;

	if (argc && !strcmp(argv[0], "child"))
		return child(argc, argv);
	fd = open("/dev/null", O_RDWR);
	CHECK(dup3(fd, 20, O_CLOEXEC) == 20 && dup2(fd, 21) == 21);
	for (unsigned i = 0; i < abi_rounds(); i++)
		run(few, i % 2 ? env : none, 42);
	memset(big, 'B', sizeof(big) - 1);
	few[2] = big;
	run(few, env, 42);
	for (int i = 1; i < 2001; i++)
		many[i] = "argument";
	run(many, env, 42);
	CHECK_FAILS(execve("/none/such", few, env), ENOENT);
	CHECK_FAILS(execve("/etc/passwd", few, env), EACCES);
	fd = open("garbage", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	CHECK(write(fd, "\1\2garbage", 9) == 9 && !close(fd));
	CHECK_FAILS(execve("garbage", few, env), ENOEXEC);
	CHECK_FAILS(execve((char *)16, few, env), EFAULT);
	CHECK_FAILS(execve("/proc/self/exe", (char **)16, env), EFAULT);
	printf("exec ok\n");
	return 0;
}
