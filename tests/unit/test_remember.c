/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of remembered nodes: what is written is read, whatever else is in it is named and not taken.
 * Sources: userland/musterd/remember.c userland/musterd/table.c userland/lib/control.c userland/lib/known.c
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/known.h"
#include "userland/lib/nodes.h"
#include "userland/musterd/remember.h"

#define NOW 1800000000

static char dir[] = "/tmp/muster-remember-XXXXXX", path[64], err[CONTROL_ERR_MAX];

int nodes_ask(const char *request, control_line_fn *fn, void *arg, char *text)
{
	(void)request, (void)fn, (void)arg, (void)text;
	return -ENOSYS;
}

__attribute__((constructor)) static void folder(void)
{
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/nodes", dir);
}

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fputs(text, f) >= 0 && !fclose(f));
}

static struct table some_nodes(unsigned count)
{
	struct table t = { 0 };
	const struct table_node *n;

	for (unsigned i = 0; i < count; i++) {
		struct announce a = { .seq = 1, .port = 7746, .id = { i, i >> 8, 1 },
				      .mac = { 2, 0, 0, 0, i >> 8, i }, .ip = { 10, 1, i >> 8, i } };

		snprintf(a.name, sizeof(a.name), "box%u", i + 1);
		CHECK_EQ(table_hear(&t, &a, 0, 5000, &n), TABLE_NEW);
	}
	return t;
}

TEST(what_is_written_is_read)
{
	struct table t = some_nodes(3000), back = { 0 };
	struct announce a;
	const struct table_node *n;

	CHECK_EQ(remember_save(&t, path, 65000, NOW, err), 0);
	CHECK_EQ(remember_load(&back, path, NOW + 5, err), 0);
	CHECK_EQ(back.count, 3000);
	for (unsigned i = 0; i < back.count; i++) {
		CHECK(!back.nodes[i].alive);
		CHECK_EQ(back.nodes[i].number, t.nodes[i].number);
		CHECK_STR(back.nodes[i].last.name, t.nodes[i].last.name);
		CHECK_STR(back.nodes[i].addr, t.nodes[i].addr);
		CHECK(!memcmp(back.nodes[i].last.mac, t.nodes[i].last.mac, 6));
		CHECK_EQ(table_seen(&back.nodes[i], 99999, NOW + 5), NOW - 60);
	}
	/* The same machine, at another address and with another name, gets its number again. */
	a = t.nodes[41].last;
	a.id[5] = 77;
	a.ip[1] = 9;
	snprintf(a.name, sizeof(a.name), "other");
	CHECK_EQ(table_hear(&back, &a, 0, 1, &n), TABLE_BACK);
	CHECK_EQ(n->number, t.nodes[41].number);
	/* A new machine gets a number that none of those has. */
	a.mac[0] = 6;
	a.id[5] = 78;
	a.ip[1] = 8;
	CHECK_EQ(table_hear(&back, &a, 0, 1, &n), TABLE_NEW);
	CHECK_EQ(n->number, 3001);
	table_free(&t);
	table_free(&back);
}

#define GOOD "node\tnumber=1\tname=a\tmac=02:00:00:00:00:01\taddr=10.0.0.1\tport=7746\tseen=1799999000\n"

TEST(a_corrupt_file_is_named_and_nothing_of_it_taken)
{
	static const struct {
		const char *text, *says;
	} files[] = {
		{ "", "line 1: the end" },
		{ "muster-nodes 2\nend\tcount=0\n", "line 1: not" },
		{ "muster-nodes 1\n" GOOD, "line 3: the end" },
		{ "muster-nodes 1\n" GOOD "end\tcount=2\n", "line 3: another count" },
		{ "muster-nodes 1\n" GOOD "end\tcount=1\nx", "line 3: something behind" },
		{ "muster-nodes 1\n" GOOD GOOD "end\tcount=2\n", "line 3: a number that another" },
		{ "muster-nodes 1\n" GOOD "dance\nend\tcount=1\n", "line 3: neither" },
		{ "muster-nodes 1\nnode\tnumber=1\n", "line 2: an impossible number" },
		{ "muster-nodes 1\nnode\tnumber=0\tport=1\tseen=1\n", "line 2: an impossible number" },
		{ "muster-nodes 1\nnode\tnumber=1\tport=77777\tseen=1\n", "line 2: an impossible number" },
		{ "muster-nodes 1\nnode\tnumber=1\tport=1\tseen=1\tname=\n", "line 2: no name" },
		{ "muster-nodes 1\nnode\tnumber=1\tport=1\tseen=1\tname=a b\n", "line 2: no name" },
		{ "muster-nodes 1\nnode\tnumber=1\tport=1\tseen=1\tname=a\taddr=x\n", "line 2: no address" },
		{ "muster-nodes 1\nnode\tnumber=1\tport=1\tseen=1\tname=a\taddr=1.2.3.4\tmac=1:2:3:4:5\n",
		  "line 2: no hardware" },
		{ "muster-nodes 1\nnode", "line 2: cut short" },
	};
	static char huge[100000];
	struct table t = { 0 };

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put(files[i].text);
		CHECK_EQ(remember_load(&t, path, NOW, err), -EINVAL);
		if (!strstr(err, files[i].says) || !strstr(err, path)) {
			printf("FAIL file %u: %s\n", i, err);
			exit(1);
		}
		CHECK_EQ(t.count, 0);
	}
	memset(huge, 'x', sizeof(huge) - 1);
	put(huge);
	CHECK_EQ(remember_load(&t, path, NOW, err), -EINVAL);
	unlink(path);
	CHECK_EQ(remember_load(&t, path, NOW, err), -ENOENT);
}

TEST(any_bytes)
{
	struct table t = some_nodes(5), back = { 0 };
	char good[2000];
	size_t len;
	FILE *f;

	CHECK_EQ(remember_save(&t, path, 5000, NOW, err), 0);
	f = fopen(path, "r");
	len = fread(good, 1, sizeof(good), f);
	fclose(f);
	srand(1);
	for (int round = 0; round < 5000; round++) {
		char bad[2000];
		size_t n = rand() % 3 ? len : rand() % len;

		memcpy(bad, good, n);
		for (int i = rand() % 4; n && i > 0; i--)
			bad[rand() % n] = rand() >> 5;
		f = fopen(path, "w");
		fwrite(bad, 1, n, f);
		fclose(f);
		CHECK(remember_load(&back, path, NOW, err) == 0 || back.count == 0);
		for (unsigned i = 0; i < back.count; i++)
			CHECK(back.nodes[i].number && *back.nodes[i].last.name && *back.nodes[i].addr);
		table_free(&back);
	}
	table_free(&t);
}

TEST(old_ones_are_forgotten_and_clocks_may_be_wrong)
{
	struct table t = { 0 };

	put("muster-nodes 1\n"
	    "node\tnumber=1\tname=a\tmac=02:00:00:00:00:01\taddr=10.0.0.1\tport=7746\tseen=1700000000\n"
	    "node\tnumber=2\tname=b\tmac=02:00:00:00:00:02\taddr=10.0.0.2\tport=7746\tseen=1900000000\n"
	    "end\tcount=2\n");
	CHECK_EQ(remember_load(&t, path, NOW, err), 0);
	CHECK_EQ(t.count, 1);
	CHECK_EQ(t.nodes[0].number, 2);
	CHECK_EQ(t.nodes[0].seen_s, NOW);
	table_free(&t);
}

TEST(a_full_disk_leaves_the_old_file)
{
	struct rlimit limit = { 4096, 4096 }, before;
	struct table few = some_nodes(3), many = some_nodes(500), back = { 0 };
	char fresh[80];

	CHECK_EQ(remember_save(&few, path, 5000, NOW, err), 0);
	/* A write beyond the limit fails as one to a full disk does. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit.rlim_max = before.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(remember_save(&many, path, 5000, NOW, err), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	CHECK(strstr(err, path));
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	CHECK(access(fresh, F_OK));
	CHECK_EQ(remember_load(&back, path, NOW, err), 0);
	CHECK_EQ(back.count, 3);
	table_free(&back);
	table_free(&few);
	table_free(&many);
	unlink(path);
}

TEST(folders)
{
	char buf[256], want[256];

	setenv("MUSTER_RUNTIME_DIR", dir, 1);
	CHECK_STR(remember_path(buf, sizeof(buf), err), path);
	/* Also when whoever asked goes elsewhere. */
	CHECK_EQ(chdir(dir), 0);
	setenv("MUSTER_RUNTIME_DIR", "sub", 1);
	snprintf(want, sizeof(want), "%s/sub/nodes", dir);
	CHECK_STR(remember_path(buf, sizeof(buf), err), want);
	CHECK_EQ(rmdir("sub"), 0);
	CHECK(!remember_path(buf, 5, err));
	rmdir("sub");
	setenv("MUSTER_RUNTIME_DIR", "/dev/null/x", 1);
	CHECK(!remember_path(buf, sizeof(buf), err));
	CHECK(strstr(err, "/dev/null/x"));
	CHECK_EQ(rmdir(dir), 0);
}

TEST(hardware_addresses)
{
	static const char *const bad[] = { "", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:g", "1:2:3:4:5:123",
					   "1:2:3:4::6", ":1:2:3:4:5", "1:2:3:4:5:", "1.2.3.4.5.6", "1", "all" };
	uint8_t mac[6];
	char text[MAC_TEXT_MAX];

	CHECK(mac_parse("52:54:00:aB:CD:ef", mac));
	CHECK_STR(mac_text(mac, text), "52:54:00:ab:cd:ef");
	CHECK(mac_parse("0-1-2-3-4-5", mac));
	CHECK_STR(mac_text(mac, text), "00:01:02:03:04:05");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!mac_parse(bad[i], mac));
	CHECK(mac_is_none((uint8_t[6]){ 0 }) && !mac_is_none(mac));
}
