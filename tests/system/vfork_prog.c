/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parent that waits for its child of vfork, which waits for input: nobody can send the two home before that
 * has come, since they share their memory and one of them is inside a call.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		char c;

		_exit(write(1, "waits\n", 6) == 6 && read(0, &c, 1) == 1 ? 7 : 1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	printf("child said %d\n", WEXITSTATUS(status));
	return 0;
}
