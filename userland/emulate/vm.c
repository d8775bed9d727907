/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One emulated node: its QEMU's command line, its kernel's command line, its console's log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/limits.h"
#include "userland/emulate/emulate.h"
#include "userland/lib/args.h"
#include "userland/lib/programs.h"

#define TAIL_LINES 60

static const char panic_mark[] = "*** muster: panic";

/* What the node's kernel is told. */
static void kernel_args(const struct session *s, const struct vm *vm, char *buf, size_t size)
{
	char net[160] = "";

	/* On a bridge, the settings are those of the network: DHCP, multicast. */
	if (s->net == NET_USER)
		/* QEMU's own NAT: 10.0.2.2 is our loopback; multicast does not pass. */
		snprintf(net, sizeof(net), "%s home=10.0.2.2:%u advertise=127.0.0.1:%u",
			 s->opts->dhcp ? "" : "ip=10.0.2.15/24 gw=10.0.2.2", s->udp_port, vm->port);
	else if (s->net == NET_TAP && !s->opts->dhcp)
		snprintf(net, sizeof(net), "ip=%s/24", vm->addr);
	snprintf(buf, size, "name=%s %s panic=exit%s%s", vm->name, net,
		 *s->opts->append ? " " : "", s->opts->append);
}

static int add_image(const struct session *s, const struct vm *vm, struct args *a)
{
	static const struct {
		const char *kind, *file;
	} images[] = {
		{ "kernel", "muster.elf" },
		{ "floppy", "muster-floppy.img" },
		{ "iso", "muster.iso" },
	};
	char words[1024], file[PATH_MAX], copy[PATH_MAX];
	unsigned i;
	int rc;

	for (i = 0; i < 3 && strcmp(images[i].kind, s->opts->image); i++)
		;
	if (i == 3) {
		fprintf(stderr, "emulate: %s: the images are kernel, floppy and iso\n",
			s->opts->image);
		return -EINVAL;
	}
	if (s->opts->image_file) {
		snprintf(file, sizeof(file), "%s", s->opts->image_file);
	} else if (!image_path(images[i].file, file, sizeof(file))) {
		fprintf(stderr, "emulate: %s: not found near this program; build it, or set "
				"MUSTER_IMAGES\n", images[i].file);
		return -ENOENT;
	}
	kernel_args(s, vm, words, sizeof(words));
	if (i == 0) {
		args_add(a, "-kernel");
		args_add(a, "%s", file);
		args_add(a, "-append");
		args_add(a, "%s", words);
		return 0;
	}
	snprintf(copy, sizeof(copy), "%s/%s.img", s->dir, vm->name);
	rc = image_with_args(file, words, copy);
	if (rc)
		return rc;
	args_add(a, "-drive");
	args_add(a, "file=%s,format=raw,%s", copy, i == 1 ? "if=floppy" : "media=cdrom");
	args_add(a, "-boot");
	args_add(a, "%c", i == 1 ? 'a' : 'd');
	return 0;
}

int vm_start(struct session *s, struct vm *vm)
{
	struct args a = { 0 };
	int tap = -1, rc;

	if (s->net != NET_USER) {
		tap = network_tap(s->opts->bridge);
		if (tap < 0)
			return tap;
	}
	args_add(&a, "qemu-system-x86_64");
	args_add(&a, "-name");
	args_add(&a, "%s", vm->name);
	args_add(&a, "-machine");
	args_add(&a, "pc");
	args_add(&a, "-accel");
	args_add(&a, "%s", s->kvm ? "kvm" : "tcg,thread=multi");
	args_add(&a, "-cpu");
	if (s->opts->cpu_model)
		args_add(&a, "%s", s->opts->cpu_model);
	else
		args_add(&a, "%s", s->kvm ? "host,-arch-capabilities" : "max");
	args_add(&a, "-smp");
	args_add(&a, "%u", s->opts->cpus);
	args_add(&a, "-m");
	args_add(&a, "%u", s->opts->memory_mb);
	args_add(&a, "-nodefaults");
	args_add(&a, "-no-user-config");
	/* A triple fault shows as a node that has stopped. */
	if (!s->opts->reboot)
		args_add(&a, "-no-reboot");
	args_add(&a, "-display");
	args_add(&a, "none");
	args_add(&a, "-vga");
	args_add(&a, "std");
	args_add(&a, "-serial");
	args_add(&a, "file:%s", vm->log);
	/* Tests pull cables and plugs through this. */
	args_add(&a, "-monitor");
	args_add(&a, "unix:%s/%s.monitor,server=on,wait=off", s->dir, vm->name);
	args_add(&a, "-device");
	args_add(&a, "isa-debug-exit,iobase=0xf4");
	args_add(&a, "-netdev");
	if (tap >= 0)
		args_add(&a, "tap,id=net,fd=%d", tap);
	else
		args_add(&a, "user,id=net,hostfwd=tcp:127.0.0.1:%u-10.0.2.15:%u", vm->port, MUSTER_PORT);
	args_add(&a, "-device");
	args_add(&a, "%s,netdev=net,mac=%02x:%02x:%02x:%02x:%02x:%02x", s->opts->nic, vm->mac[0],
	    vm->mac[1], vm->mac[2], vm->mac[3], vm->mac[4], vm->mac[5]);
	rc = add_image(s, vm, &a);
	if (!rc)
		rc = child_start(a.v, CHILD_OWN_SESSION, &s->old_mask, vm->qemu_log, tap);
	if (rc > 0) {
		char path[PATH_MAX];
		FILE *f;

		vm->pid = rc;
		rc = 0;
		snprintf(path, sizeof(path), "%s/%s.pid", s->dir, vm->name);
		f = fopen(path, "we");
		if (f) {
			fprintf(f, "%d\n", (int)vm->pid);
			fclose(f);
		}
	}
	if (tap >= 0)
		close(tap);
	args_free(&a);
	return rc;
}

bool vm_panicked(const struct vm *vm)
{
	FILE *f = fopen(vm->log, "re");
	char line[1024];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, panic_mark);
	if (f)
		fclose(f);
	return found;
}

static void print_file_tail(const char *name, const char *what, const char *path)
{
	FILE *f = fopen(path, "re");
	char *lines[TAIL_LINES] = { NULL }, *line = NULL;
	size_t size = 0;
	unsigned n = 0;

	while (f && getline(&line, &size, f) >= 0) {
		free(lines[n % TAIL_LINES]);
		lines[n++ % TAIL_LINES] = line;
		line = NULL;
		size = 0;
	}
	free(line);
	if (f)
		fclose(f);
	for (unsigned i = n > TAIL_LINES ? n - TAIL_LINES : 0; i < n; i++) {
		char *p = lines[i % TAIL_LINES];

		p[strcspn(p, "\r\n")] = 0;
		/* A node's text goes to a terminal: nothing may move its cursor. */
		for (char *q = p; *q; q++)
			if ((unsigned char)*q < ' ' && *q != '\t')
				*q = '?';
		fprintf(stderr, "emulate: %s %s| %s\n", name, what, p);
	}
	for (unsigned i = 0; i < TAIL_LINES; i++)
		free(lines[i]);
}

void vm_print_tail(const struct vm *vm)
{
	print_file_tail(vm->name, "qemu", vm->qemu_log);
	print_file_tail(vm->name, "console", vm->log);
}
