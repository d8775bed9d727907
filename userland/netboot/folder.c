/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder that is handed out by TFTP: loaders, kernel, and settings in the format of muster.cfg
 * on other media, which both loaders read. Copies, because the server is nobody and may not be able
 * to reach the originals.
 *
 *   muster.0, muster.efi, grub.cfg, muster.elf    the same for all
 *   muster.cfg                                    settings of machines that have none of their own
 *   machines/52:54:00:77:00:01.cfg                all settings of that machine
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/lib/programs.h"
#include "userland/lib/remove_tree.h"
#include "userland/netboot/netboot.h"

static const char server_mark[] = "(tftp,SERVER.ADDRESS.)"; /* iso/mknetboot.sh */

static const struct {
	const char *image, *name;
} files[] = {
	{ "netboot/muster.0", NETBOOT_BIOS_FILE },
	{ "netboot/muster.efi", NETBOOT_EFI_FILE },
	{ "netboot/grub.cfg", "grub.cfg" },
	{ "muster.elf", "muster.elf" },
};

/*
 * A file of dir's, complete as soon as it has its name: whoever loads it meanwhile gets the old or
 * the new.
 */
static int put_file(const char *dir, const char *name, const void *data, size_t len)
{
	char path[PATH_MAX], tmp[PATH_MAX + 8];
	int fd, rc = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	for (size_t done = 0; fd >= 0 && !rc && done < len; done += n) {
		n = write(fd, (const char *)data + done, len - done);
		if (n < 0)
			rc = -errno;
	}
	/* dnsmasq is another user, whatever our umask. */
	if (fd < 0 || (!rc && fchmod(fd, 0644)) || (close(fd) && !rc) || (!rc && rename(tmp, path)))
		rc = rc ? rc : -errno;
	if (rc)
		fprintf(stderr, "netboot: %s: %s\n", path, strerror(-rc));
	return rc;
}

/* All of a file. *data is to be freed. */
static int get_file(const char *path, char **data, size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n = 0;

	*data = NULL;
	if (fd < 0 || fstat(fd, &st) || !(*data = malloc(st.st_size + 1)) ||
	    (n = read(fd, *data, st.st_size)) < 0) {
		rc = -errno;
		fprintf(stderr, "netboot: %s: %s\n", path, strerror(errno));
		free(*data);
		*data = NULL;
	}
	if (fd >= 0)
		close(fd);
	*len = n;
	return rc;
}

/* GRUB is told where its files are: behind a proxy-DHCP it would ask the DHCP server. */
static int set_server(char *image, size_t len, const char *path, struct in_addr addr)
{
	char *at = memmem(image, len, server_mark, strlen(server_mark));

	if (!at) {
		fprintf(stderr, "netboot: %s: has no place for the server's address: is it of this "
				"version?\n", path);
		return -EINVAL;
	}
	memset(at, 0, strlen(server_mark));
	snprintf(at, strlen(server_mark) + 1, "(tftp,%s)", inet_ntoa(addr));
	return 0;
}

static int copy_image(const struct netboot *nb, const char *image, const char *name)
{
	char path[PATH_MAX], *data;
	size_t len;
	int rc;

	if (!image_path(image, path, sizeof(path))) {
		fprintf(stderr,
			"netboot: %s: not found near this program; build it (make images), or set "
			"MUSTER_IMAGES\n",
			image);
		return -ENOENT;
	}
	rc = get_file(path, &data, &len);
	if (!rc && !strcmp(name, NETBOOT_EFI_FILE))
		rc = set_server(data, len, path, nb->iface.addr);
	if (!rc)
		rc = put_file(nb->dir, name, data, len);
	free(data);
	return rc;
}

static int put_settings(const struct netboot *nb, const char *name, const char *words)
{
	char text[NETBOOT_WORDS_MAX + 64];

	snprintf(text, sizeof(text), "set muster_args=\"%s\"\n", words);
	return put_file(nb->dir, name, text, strlen(text));
}

/* 52-54-00-77-00-01, or with colons. */
static bool parse_mac(const char *name, uint8_t *mac)
{
	unsigned b[6];
	int end = 0;

	if (strlen(name) != 17 || strspn(name, "0123456789abcdefABCDEF-:") != 17 ||
	    (sscanf(name, "%2x-%2x-%2x-%2x-%2x-%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		    &end) != 6 &&
	     sscanf(name, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		    &end) != 6) ||
	    end != 17)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = b[i];
	return true;
}

/* Adds the words of a file to words; lines that start with # are not. */
static int add_words(const char *path, char *words)
{
	size_t len, out = strlen(words);
	char *text, *line, *next, *word, *save;
	int rc = get_file(path, &text, &len);

	if (rc)
		return rc;
	text[len] = 0;
	for (line = text; line && !rc; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		line += strspn(line, " \t\r");
		if (*line == '#')
			continue;
		for (word = strtok_r(line, " \t\r", &save); word && !rc;
		     word = strtok_r(NULL, " \t\r", &save)) {
			out += snprintf(words + out, NETBOOT_WORDS_MAX - out, "%s%s",
					out ? " " : "", word);
			if (out >= NETBOOT_WORDS_MAX)
				rc = -E2BIG;
		}
	}
	free(text);
	for (const char *p = words; *p && !rc; p++)
		if (*p < ' ' || *p > '~' || strchr("\"$\\`", *p))
			rc = -EINVAL;
	if (rc)
		say(NULL, "%s: %s: its words are not used", path,
		    rc == -E2BIG ? "too long"
				 : "must not hold quotes, $, backslash or what is not ASCII");
	return rc;
}

void folder_settings(const struct netboot *nb, const uint8_t *mac, char *words, char *file)
{
	DIR *d = opendir(nb->opts->machines);
	char name[64], path[PATH_MAX];
	const struct dirent *e;
	uint8_t of[6];

	snprintf(words, NETBOOT_WORDS_MAX, "%s", nb->opts->cmdline);
	*file = 0;
	while (d && (e = readdir(d)))
		if (parse_mac(e->d_name, of) && !memcmp(of, mac, 6))
			snprintf(file, PATH_MAX, "%s/%s", nb->opts->machines, e->d_name);
	if (d)
		closedir(d);
	snprintf(name, sizeof(name), "machines/%02x:%02x:%02x:%02x:%02x:%02x.cfg", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	if (!*file) {
		/* It may have had one. */
		snprintf(path, sizeof(path), "%s/%s", nb->dir, name);
		unlink(path);
		return;
	}
	if (add_words(file, words)) {
		snprintf(words, NETBOOT_WORDS_MAX, "%s", nb->opts->cmdline);
		*file = 0;
	}
	put_settings(nb, name, words);
}

int folder_all_settings(const struct netboot *nb)
{
	DIR *d = opendir(nb->opts->machines);
	char words[NETBOOT_WORDS_MAX], file[PATH_MAX];
	const struct dirent *e;
	uint8_t mac[6];

	/* Only one that somebody named must be there. */
	if (!d && (errno != ENOENT || strcmp(nb->opts->machines, NETBOOT_MACHINES))) {
		int rc = -errno;

		fprintf(stderr, "netboot: %s: %s\n", nb->opts->machines, strerror(-rc));
		return rc;
	}
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (parse_mac(e->d_name, mac))
			folder_settings(nb, mac, words, file);
		else
			say(NULL, "%s/%s: not used: its name is no MAC such as 52-54-00-77-00-01",
			    nb->opts->machines, e->d_name);
	}
	if (d)
		closedir(d);
	return 0;
}

/*
 * Removes the folder when we are gone, however that happened: the pipe's other end closes with us.
 */
static int start_remover(const char *dir)
{
	sigset_t all;
	int fds[2];
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		close(fds[0]);
		return 0; /* fds[1] stays open as long as we live */
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	/* Whoever reads our output must not wait for this process. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	close(fds[1]);
	while (read(fds[0], &c, 1) < 0 && errno == EINTR)
		;
	remove_tree(dir);
	_exit(0);
}

int folder_make(struct netboot *nb)
{
	char path[PATH_MAX];
	int rc = 0;

	snprintf(nb->dir, sizeof(nb->dir), "/tmp/muster-netboot-XXXXXX");
	if (!mkdtemp(nb->dir)) {
		rc = -errno;
		fprintf(stderr, "netboot: %s: %s\n", nb->dir, strerror(-rc));
		return rc;
	}
	snprintf(path, sizeof(path), "%s/machines", nb->dir);
	if (mkdir(path, 0755) || chmod(path, 0755) || chmod(nb->dir, 0755)) {
		rc = -errno;
		fprintf(stderr, "netboot: %s: %s\n", path, strerror(-rc));
	}
	if (!rc && (rc = start_remover(nb->dir)))
		fprintf(stderr, "netboot: cannot start a process: %s\n", strerror(-rc));
	for (unsigned i = 0; !rc && i < sizeof(files) / sizeof(files[0]); i++)
		rc = copy_image(nb, files[i].image, files[i].name);
	if (!rc)
		rc = put_settings(nb, "muster.cfg", nb->opts->cmdline);
	if (!rc)
		rc = folder_all_settings(nb);
	if (rc)
		folder_remove(nb);
	return rc;
}

void folder_remove(const struct netboot *nb)
{
	remove_tree(nb->dir);
}
