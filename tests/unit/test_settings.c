/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings: what a command line sets, what is wrong with one, changes; and the manual has them all.
 */
#include <stdarg.h>

#include "tests/unit/unit.h"

#define KERNEL_SYNC_SPINLOCK_H
#define KERNEL_KPRINTF_H

typedef int spinlock_t;
#define SPINLOCK_INIT 0

static unsigned long spin_lock_irqsave(spinlock_t *lock)
{
	CHECK_EQ(++*lock, 1);
	return 0;
}

static void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	*lock -= 1 + flags;
}

static char printed[4096];

static void kprintf(const char *fmt, ...)
{
	size_t n = strlen(printed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(printed + n, sizeof(printed) - n, fmt, ap);
	va_end(ap);
}

#include "kernel/cmdline.c"
#include "kernel/setting_forms.c"
#include "kernel/settings.c"

TEST(a_command_line_sets)
{
	settings_init("ip=10.0.0.5/24 gw=10.0.0.1 name=box3 nolapic maxcpus=2 mem=64M", false);
	CHECK(settings_problem(0) == NULL);
	CHECK_STR(setting_get("ip"), "10.0.0.5/24");
	CHECK_STR(setting_get("name"), "box3");
	CHECK_STR(setting_get("nolapic"), "");
	CHECK(setting_get("home") == NULL);
	CHECK(setting_get("nonsense") == NULL);
	CHECK_EQ(setting_get_u64("maxcpus", 9), 2);
	CHECK_EQ(setting_get_u64("mem", 9), 64 << 20);
	CHECK_EQ(setting_get_u64("port", 9), 9);
}

TEST(the_last_good_value_holds)
{
	settings_init("name=a name=b name=c*d", false);
	CHECK_STR(setting_get("name"), "b");
	CHECK_STR(settings_problem(0), "name=c*d: the form is name=TEXT: ignored");
	CHECK(settings_problem(1) == NULL);
}

TEST(unknown_and_malformed_words_are_named_and_ignored)
{
	settings_init("colour=red ip=10.0.0.300/24 quiet nolapic=1 name=ok", false);
	CHECK_STR(settings_problem(0), "colour=red: there is no such setting: ignored");
	CHECK_STR(settings_problem(1),
		  "ip=10.0.0.300/24: the form is ip=A.B.C.D/LEN|dhcp: ignored");
	CHECK_STR(settings_problem(2), "quiet: there is no such setting: ignored");
	CHECK_STR(settings_problem(3), "nolapic=1: the form is nolapic: ignored");
	CHECK(settings_problem(4) == NULL);
	CHECK(setting_get("ip") == NULL && setting_get("nolapic") == NULL);
	CHECK_STR(setting_get("name"), "ok");
	*printed = 0;
	settings_report();
	CHECK(strstr(printed, "settings: colour=red: there is no such setting: ignored\n"));
}

TEST(damage_is_shown_without_its_control_characters)
{
	char line[400];

	settings_init("\x1b[2J\xff=\x07", false);
	CHECK_STR(settings_problem(0), "?[2J?=?: there is no such setting: ignored");
	memset(line, 'n', sizeof(line));
	memcpy(line, "name=", 5);
	line[sizeof(line) - 1] = 0;
	settings_init(line, false);
	CHECK(setting_get("name") == NULL && settings_problem(0) && !settings_problem(1));
}

TEST(many_problems_are_counted)
{
	settings_init("a b c d e f g h i j k", false);
	CHECK_STR(settings_problem(7), "h: there is no such setting: ignored");
	CHECK_STR(settings_problem(8), "and 3 more");
	CHECK(settings_problem(9) == NULL && settings_problem(1000) == NULL);
	settings_init("a b c d e f g h", false);
	CHECK(settings_problem(8) == NULL);
}

TEST(a_line_that_was_cut_is_named)
{
	settings_init("name=a", true);
	CHECK_STR(settings_problem(0),
		  "the command line is longer than 1023 bytes: its end is ignored");
	CHECK_STR(setting_get("name"), "a");
}

TEST(a_settings_file_of_no_use_is_named)
{
	settings_init("muster.cfg=bad", false);
	CHECK_STR(settings_problem(0), "muster.cfg is missing or damaged: started without it");
	CHECK(settings_problem(1) == NULL);
}

TEST(forms)
{
	static const struct {
		const char *name, *good, *bad; /* values, separated by blanks */
	} forms[] = {
		{ "ip", "dhcp 1.2.3.4 10.0.0.1/31 223.255.255.254/1",
		  "none 1.2.3 1.2.3.4.5 1.2.3.4/ 1.2.3.4/0 1.2.3.4/32 1.2.3.4/2x 256.1.1.1 0.1.2.3 "
		  "127.0.0.1 224.0.0.1 1..2.3 1.2.3.-4 1.2.3.99999999999 DHCP 01.2.3.4x" },
		{ "gw", "1.2.3.4 10.255.255.255", "dhcp 1.2.3.4/24 1.2.3.4: x" },
		{ "home", "1.2.3.4 1.2.3.4:1 1.2.3.4:65535",
		  "1.2.3.4: 1.2.3.4:0 1.2.3.4:65536 box:1 :1" },
		{ "group", "224.0.0.1 239.255.77.46", "1.2.3.4 240.0.0.1 223.255.255.255" },
		{ "port", "1 7746 65535", "0 65536 -1 +1 0x10 port 1k" },
		{ "name", "a box-3 node.lab_1 abcdefghijklmnopqrstuvwxyz01234",
		  "abcdefghijklmnopqrstuvwxyz012345 a\"b a$b a\\b a`b a*b \xc3\xa9" },
		{ "ne2000", "0x300 0x340,5 0x200 0x3e0,15", "300 0x310 0x400 0x100 0x300, 0x300,2 0x300,16 0x300,9x" },
		{ "card", "eth0 eth12 eth255", "eth eth256 ethx wlan0 eth1x" },
		{ "menu", "on off", "o of offf ON on|off |" },
		{ "panic", "halt reboot exit", "stop" },
		{ "mem", "64M 1G 0x4000000", "0 64MB lots -1" },
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		for (int good = 0; good < 2; good++) {
			char *values = strdup(good ? forms[i].good : forms[i].bad);

			for (char *v = strtok(values, " "); v; v = strtok(NULL, " ")) {
				if ((settings_change(forms[i].name, v) == 0) == good)
					continue;
				printf("FAIL %s=%s\n", forms[i].name, v);
				exit(1);
			}
			free(values);
		}
		CHECK_EQ(settings_change(forms[i].name, ""), -EINVAL);
	}
}

TEST(a_change_holds_or_changes_nothing)
{
	struct setting_view view;
	char text[SETTING_MAX + 9];

	settings_init("name=a", false);
	CHECK_EQ(settings_change("colour", "red"), -ENOENT);
	CHECK_EQ(settings_change("name", "b c"), -EINVAL);
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = 0;
	CHECK_EQ(settings_change("name", text), -EINVAL);
	CHECK_EQ(settings_change("name", "a"), 0);
	CHECK(settings_look(settings_find("name"), &view) && view.set && !view.unsaved);
	CHECK_EQ(settings_change("name", "b"), 0);
	CHECK(settings_look(settings_find("name"), &view) && view.set && view.unsaved);
	CHECK_STR(view.value, "b");
	CHECK_STR(setting_get("name"), "b");
	CHECK_EQ(settings_change("name", "c"), 0);
	settings_saved(&view); /* of what it was before */
	CHECK(settings_look(settings_find("name"), &view) && view.unsaved);
	settings_saved(&view);
	CHECK(settings_look(settings_find("name"), &view) && !view.unsaved);
	CHECK_EQ(settings_change("name", NULL), 0);
	CHECK(setting_get("name") == NULL);
	CHECK(settings_look(settings_find("name"), &view) && !view.set && view.unsaved);
}

/* The manual has a .TP for each setting, in the same order. */
TEST(the_manual_has_each_setting)
{
	FILE *f = fopen(SOURCE_DIR "/docs/man/muster-node.7", "r");
	struct setting_view view;
	static char text[32768];
	const char *at = text;

	CHECK(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	for (unsigned i = 0; settings_look(i, &view); i++) {
		char head[64];

		snprintf(head, sizeof(head), "\n.TP\n.BR %s", view.setting->name);
		at = strstr(at, head);
		if (!at) {
			printf("FAIL %s is not in the manual, or not at its place\n",
			       view.setting->name);
			exit(1);
		}
	}
}
