/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings file: found on images that mtools and xorriso made, or reported as what is wrong with
 * them; changed in place, with people's own lines left alone; and no damage to a medium makes the
 * readers leave it.
 * Sources: kernel/medium/fat12.c kernel/medium/iso9660.c kernel/medium/find.c kernel/medium/edit.c kernel/cmdline.c
 */
#include <stdarg.h>
#include <unistd.h>

#include "kernel/medium/bytes.h"
#include "kernel/medium/disk.h"
#include "kernel/medium/edit.h"
#include "tests/unit/unit.h"

/* --- a medium in memory ------------------------------------------------------------------------------ */

struct image {
	struct disk disk;
	uint8_t *data;
	size_t size;
	unsigned reads;
};

static int image_read(struct disk *disk, uint64_t sector, void *buf)
{
	struct image *im = (struct image *)disk;

	im->reads++;
	if (sector >= im->size / SECTOR_SIZE)
		return -EIO;
	memcpy(buf, im->data + sector * SECTOR_SIZE, SECTOR_SIZE);
	return 0;
}

static char dir[] = "/tmp/muster-unit-XXXXXX";

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void sh(const char *fmt, ...)
{
	char cmd[1024];
	int n = snprintf(cmd, sizeof(cmd), "cd %s && ", dir);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - n, fmt, ap);
	va_end(ap);
	if (system(cmd) != 0) {
		printf("FAIL: %s\n", cmd);
		exit(1);
	}
}

__attribute__((constructor)) static void make_dir(void)
{
	CHECK(mkdtemp(dir));
}

__attribute__((destructor)) static void remove_dir(void)
{
	sh("rm -r %s", dir);
}

static struct image load(const char *name)
{
	struct image im = { .disk.read = image_read };
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	CHECK(f);
	CHECK(fseek(f, 0, SEEK_END) == 0);
	im.size = ftell(f);
	rewind(f);
	im.data = malloc(im.size);
	CHECK(fread(im.data, 1, im.size, f) == im.size);
	fclose(f);
	return im;
}

/* What find says, and if it finds the file, that this text is in it. */
static int find(struct image *im, const char *text, const char *want_why)
{
	char why[128], content[FILE_SIZE_MAX];
	struct disk_file f;
	int err = settings_file_find(&im->disk, &f, why, sizeof(why));

	if (want_why && !strstr(why, want_why)) {
		printf("FAIL: said \"%s\", not \"%s\"\n", why, want_why);
		exit(1);
	}
	if (err)
		return err;
	CHECK(f.size && f.size <= f.count * SECTOR_SIZE && f.count <= FILE_SECTORS_MAX);
	for (unsigned i = 0; i < f.count; i++)
		if (image_read(&im->disk, f.sector[i], content + i * SECTOR_SIZE))
			return -EIO;
	if (text) {
		CHECK_EQ(f.size, strlen(text));
		CHECK(memcmp(content, text, f.size) == 0);
	}
	if (f.size_sector)
		CHECK_EQ(get_le32(im->data + f.size_sector * SECTOR_SIZE + f.size_offset), f.size);
	return 0;
}

static const char *text_of(size_t len)
{
	static char text[FILE_SIZE_MAX + 2];

	for (size_t i = 0; i < len; i++)
		text[i] = i % 50 ? 'a' + i % 26 : '\n';
	text[len] = 0;
	return text;
}

/* A floppy image whose muster.cfg has this length; gap: with another file's cluster between its own. */
static struct image floppy(size_t len, bool gap)
{
	struct image im;
	FILE *f;
	char path[128];

	snprintf(path, sizeof(path), "%s/muster.cfg", dir);
	f = fopen(path, "w");
	CHECK(f && fwrite(text_of(len), 1, len, f) == len && fclose(f) == 0);
	sh("rm -f fd.img && mformat -C -i fd.img -f 1440 -r 1 -v MUSTER ::");
	if (gap)
		sh("head -c 512 /dev/zero >a && mcopy -i fd.img a ::b && mcopy -i fd.img a ::c && "
		   "mdel -i fd.img ::b");
	sh("mcopy -i fd.img muster.cfg ::muster.cfg");
	im = load("fd.img");
	return im;
}

TEST(a_file_on_a_floppy_is_found_whatever_its_length)
{
	static const size_t lens[] = { 1, 511, 512, 513, 2048, FILE_SIZE_MAX };

	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (int gap = 0; gap < 2; gap++) {
			struct image im = floppy(lens[i], gap);

			CHECK_EQ(find(&im, text_of(lens[i]), ""), 0);
			free(im.data);
		}
}

TEST(a_long_name_beside_it_does_not_confuse)
{
	struct image im;

	sh("mformat -C -i ln.img -f 1440 :: && echo 1 >a && mcopy -i ln.img a '::a rather long name.text' && "
	   "mmd -i ln.img ::dir && mcopy -i ln.img a ::dir/muster.cfg && printf right >muster.cfg && "
	   "mcopy -i ln.img muster.cfg ::");
	im = load("ln.img");
	CHECK_EQ(find(&im, "right", ""), 0);
	free(im.data);
	sh("mdel -i ln.img ::muster.cfg");
	im = load("ln.img");
	CHECK_EQ(find(&im, NULL, "there is no muster.cfg"), -ENOENT);
	free(im.data);
	sh("mmd -i ln.img ::muster.cfg");
	im = load("ln.img");
	CHECK_EQ(find(&im, NULL, "there is no muster.cfg"), -ENOENT);
	free(im.data);
}

TEST(a_file_on_an_iso_image_is_found)
{
	struct image im;

	sh("rm -rf root && mkdir root root/boot && seq 3000 >root/boot/a && seq 900 >root/muster.xz && "
	   "printf settings >root/muster.cfg && for i in $(seq 60); do echo >root/file-with-a-name-$i; done && "
	   "xorriso -as mkisofs -quiet -r -J -V MUSTER -o iso.img root 2>/dev/null");
	im = load("iso.img");
	CHECK_EQ(find(&im, "settings", ""), 0);
	free(im.data);
	sh("rm root/muster.cfg && xorriso -as mkisofs -quiet -r -J -o iso.img root 2>/dev/null");
	im = load("iso.img");
	CHECK_EQ(find(&im, NULL, "there is no muster.cfg"), -ENOENT);
	free(im.data);
}

static void put_both(uint8_t *p, uint32_t v)
{
	put_le32(p, v);
	for (int i = 0; i < 4; i++)
		p[7 - i] = v >> 8 * i;
}

static uint8_t *record_of(struct image *im)
{
	return (uint8_t *)memmem(im->data, im->size, "MUSTER.CFG;1", 12) - 33;
}

TEST(numbers_of_an_iso_image_are_checked)
{
	struct image im;
	uint8_t *root;

	sh("printf settings >root/muster.cfg && xorriso -as mkisofs -quiet -r -J -o iso.img root 2>/dev/null");
	im = load("iso.img");
	put_both(record_of(&im) + 10, FILE_SIZE_MAX + 1);
	CHECK_EQ(find(&im, NULL, "muster.cfg has 8193 bytes; it may have 1 to 8192"), -EINVAL);
	put_both(record_of(&im) + 10, 8);
	put_both(record_of(&im) + 2, im.size / 2048 + 1);
	CHECK_EQ(find(&im, NULL, "the entry of muster.cfg"), -EINVAL);
	put_both(record_of(&im) + 2, 5); /* a system area is nobody's */
	CHECK_EQ(find(&im, NULL, "the entry of muster.cfg"), -EINVAL);
	free(im.data);

	im = load("iso.img");
	root = im.data + 16 * 2048 + 156;
	put_both(root + 10, 33 * 2048);
	CHECK_EQ(find(&im, NULL, "its volume descriptor"), -EINVAL);
	put_both(root + 10, 2048);
	root[10] ^= 1; /* the two forms of the number differ */
	CHECK_EQ(find(&im, NULL, "its volume descriptor"), -EINVAL);
	free(im.data);

	im = load("iso.img");
	record_of(&im)[0] = 40; /* shorter than its name */
	CHECK_EQ(find(&im, NULL, "its top folder"), -EINVAL);
	free(im.data);

	/* A record that begins 8 bytes before the end of its block. */
	im = load("iso.img");
	root = im.data + (size_t)get_le32(im.data + 16 * 2048 + 156 + 2) * 2048;
	size_t at = 0;

	while (2040 - at > 255)
		at += root[at];
	root[at] = 2040 - at;
	memset(root + 2040, 200, 8);
	memset(record_of(&im) + 33, 'x', 12);
	CHECK_EQ(find(&im, NULL, "its top folder"), -EINVAL);
	free(im.data);
}

TEST(other_media_are_refused)
{
	struct image im;

	sh("head -c 100000 /dev/zero >zero.img; mformat -C -i f16.img -h 16 -s 63 -t 100 ::; "
	   "mformat -C -i f32.img -F -h 16 -s 63 -t 200 ::; head -c 700 /dev/zero >short.img");
	im = load("zero.img");
	CHECK_EQ(find(&im, NULL, "of another kind"), -EINVAL);
	free(im.data);
	im = load("f16.img");
	CHECK_EQ(find(&im, NULL, "of another kind"), -EINVAL);
	free(im.data);
	im = load("f32.img");
	CHECK_EQ(find(&im, NULL, "of another kind"), -EINVAL);
	free(im.data);
	im = load("short.img");
	CHECK_EQ(find(&im, NULL, "cannot be read"), -EIO);
	free(im.data);
}

static void set_fat(struct image *im, unsigned cluster, unsigned v)
{
	uint8_t *p = im->data + SECTOR_SIZE + cluster + cluster / 2;
	unsigned both = get_le16(p);

	both = cluster % 2 ? (both & 0xf) | v << 4 : (both & 0xf000) | v;
	p[0] = both;
	p[1] = both >> 8;
}

TEST(damaged_chains_are_named)
{
	static const struct {
		unsigned next;
		const char *why;
	} cases[] = {
		{ 0, "leads to a cluster that is not there" },
		{ 1, "leads to a cluster that is not there" },
		{ 0xff7, "leads to a cluster that is not there" },
		{ 0xb30, "leads to a cluster that is not there" },
		{ 0xfff, "leads to a cluster that is not there" },
		{ 2, "do not end where it ends" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image im = floppy(2048, false);

		set_fat(&im, 3, cases[i].next); /* the second of its four clusters */
		CHECK_EQ(find(&im, NULL, cases[i].why), -EINVAL);
		free(im.data);
	}
	struct image im = floppy(2048, false);

	set_fat(&im, 4,
		0xb30); /* behind the last cluster, in a part of the table that is not used */
	set_fat(&im, 0xb30, 0xfff);
	CHECK_EQ(find(&im, NULL, "leads to a cluster that is not there"), -EINVAL);
	free(im.data);

	im = floppy(2048, false);
	set_fat(&im, 5, 6);
	CHECK_EQ(find(&im, NULL, "do not end where it ends"), -EINVAL);
	free(im.data);
}

TEST(a_table_that_is_too_short_is_named)
{
	struct image im = floppy(2048, false);

	im.data[22] = 8; /* sectors of a table; 9 are needed */
	CHECK_EQ(find(&im, NULL, "its table is too short"), -EINVAL);
	free(im.data);
}

/* Entry 341 of the table begins in the last byte of a sector. */
TEST(an_entry_may_lie_across_two_sectors)
{
	struct image im;

	free(floppy(2048, false).data);
	sh("rm fd.img && mformat -C -i fd.img -f 1440 -r 1 :: && head -c $((338 * 512)) /dev/zero >a && "
	   "mcopy -i fd.img a ::a && mcopy -i fd.img muster.cfg :: && mshowfat -i fd.img ::muster.cfg | "
	   "grep -q '<340-343>'");
	im = load("fd.img");
	CHECK_EQ(find(&im, text_of(2048), ""), 0);
	free(im.data);
}

TEST(absurd_sizes_are_named)
{
	struct image im = floppy(2048, false);
	uint8_t *e = im.data + 19 * SECTOR_SIZE;

	while (memcmp(e, "MUSTER  CFG", 11))
		e += 32;
	put_le32(e + 28, 0xffffffff);
	CHECK_EQ(find(&im, NULL, "muster.cfg has 4294967295 bytes; it may have 1 to 8192"),
		 -EINVAL);
	put_le32(e + 28, 0);
	CHECK_EQ(find(&im, NULL, "muster.cfg has 0 bytes"), -EINVAL);
	free(im.data);
}

/* Any bytes may be wrong: within the image, and not for ever. */
static void survive_damage(const char *name, size_t from, size_t to)
{
	struct image good = load(name);

	srand(7);
	for (int round = 0; round < 20000; round++) {
		struct image im = good;
		uint8_t old[8];
		size_t at[8];
		unsigned n = 1 + rand() % 8;

		im.reads = 0;
		for (unsigned i = 0; i < n; i++) {
			at[i] = from + rand() % (to - from);
			old[i] = im.data[at[i]];
			im.data[at[i]] = rand() % 4 ? rand() : rand() % 2 ? 0xff : 0;
		}
		find(&im, NULL, NULL);
		CHECK(im.reads < 400);
		while (n--)
			im.data[at[n]] = old[n];
	}
	free(good.data);
}

TEST(damage_is_survived)
{
	free(floppy(2048, true).data);
	survive_damage("fd.img", 0, 64);
	survive_damage("fd.img", 0, 20 * SECTOR_SIZE);
	sh("printf x >root/muster.cfg && xorriso -as mkisofs -quiet -r -J -o iso.img root 2>/dev/null");
	survive_damage("iso.img", 16 * 2048, 17 * 2048);
	survive_damage("iso.img", 16 * 2048, 60 * 2048);
	struct image im = load("iso.img");
	size_t folder = (record_of(&im) - im.data) / 2048 * 2048;

	free(im.data);
	survive_damage("iso.img", folder, folder + 2048);
}

/* --- the text --------------------------------------------------------------------------------------- */

static char why[128];

/* Changes text, which has room for `room` bytes in all; the result is in static memory. */
static int edit(const char *text, size_t room, const char *name, const char *value,
		const char **out)
{
	struct setting_edit e = { name, value };
	static char *buf; /* of exactly the size: ASan sees each byte too far */
	int n;

	free(buf);
	buf = malloc(room + 1);
	memset(buf, 0x7f, room);
	memcpy(buf, text, strlen(text));
	*why = 0;
	n = settings_file_edit(buf, strlen(text), room, &e, 1, why, sizeof(why));
	buf[n > 0 ? (size_t)n : strlen(text)] = 0;
	*out = buf;
	return n;
}

TEST(only_the_words_change)
{
	const char *
		text = "# mine\nset muster_args=\"ip=1.2.3.4/24 quux name=a\"\nset x=1\n######\n######\n",
	       *out;

	CHECK_EQ(edit(text, strlen(text), "name", "box", &out), strlen(text));
	CHECK_STR(
		out,
		"# mine\nset muster_args=\"ip=1.2.3.4/24 quux name=box\"\nset x=1\n###########\n");
	text = "set muster_args=\"\"\n\n#\n#\n#\n#\n#\n#\n";
	CHECK_EQ(edit(text, strlen(text), "name", "box3", &out), strlen(text));
	CHECK_STR(out, "set muster_args=\"name=box3\"\n###\n");
}

TEST(words_are_replaced_taken_out_and_added)
{
	const char *out;

	edit("set muster_args=\"name=a ip=dhcp name=b nolapic\"\n", 100, "name", "c", &out);
	CHECK(strstr(out, "\"name=c ip=dhcp nolapic\"\n"));
	edit("set muster_args=\"name=a ip=dhcp name=b nolapic\"\n", 100, "name", NULL, &out);
	CHECK(strstr(out, "\"ip=dhcp nolapic\"\n"));
	edit("set muster_args=\"name=a ip=dhcp\"\n", 100, "nolapic", "", &out);
	CHECK(strstr(out, "\"name=a ip=dhcp nolapic\"\n"));
	edit("set muster_args=\"nolapic\"\n", 100, "nolapic", NULL, &out);
	CHECK(strstr(out, "set muster_args=\"\"\n"));
}

TEST(the_length_stays_if_there_is_filling)
{
	const char *text = "set muster_args=\"name=a\"\n###########################\n", *out;

	for (unsigned len = 1; len < 24; len++) {
		char value[32] = "";

		memset(value, 'v', len);
		CHECK_EQ(edit(text, strlen(text), "name", value, &out), strlen(text));
		CHECK(strstr(out, value) && out[strlen(out) - 1] == '\n');
	}
	CHECK_EQ(edit(text, strlen(text), "name", "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", &out), -ENOSPC);
	CHECK_STR(out, text);
	CHECK(strstr(why, "no room"));
}

TEST(a_file_that_somebody_shortened_grows_as_far_as_it_may)
{
	const char *out;

	CHECK_EQ(edit("set muster_args=\"\"\nset muster_timeout=1", 512, "name", "box", &out), 48);
	CHECK_STR(out, "set muster_args=\"name=box\"\nset muster_timeout=1\n");
	CHECK_EQ(edit("set muster_args=\"\"\nset muster_timeout=1", 47, "name", "box", &out),
		 -ENOSPC);
}

TEST(forms_that_editors_leave)
{
	const char *out;

	CHECK(edit("set muster_args='ip=dhcp'\r\nfoo\r\n", 100, "name", "x", &out) > 0);
	CHECK(strstr(out, "set muster_args=\"ip=dhcp name=x\"\r\nfoo\n"));
	CHECK(edit("  set\tmuster_args=ip=dhcp; echo hi\n", 100, "name", "x", &out) > 0);
	CHECK(strstr(out, "  set\tmuster_args=\"ip=dhcp name=x\"; echo hi\n"));
	CHECK(edit("set muster_args=\nfoo\n", 100, "name", "x", &out) > 0);
	CHECK(strstr(out, "set muster_args=\"name=x\"\nfoo\n"));
	CHECK(edit("set muster_args=\"a\"\nset muster_args=\"b\"\n", 100, "name", "x", &out) > 0);
	CHECK(strstr(out, "set muster_args=\"a\"\nset muster_args=\"b name=x\"\n"));
}

TEST(what_is_not_understood_is_left_alone)
{
	static const char *const bad[] = {
		"",
		"\n",
		"# set muster_args=\"\"\n",
		"set muster_args=\"ip=dhcp\n",
		"set muster_args=\"$a\"\n",
		"set muster_args=\"a\\\"b\"\n",
		"setmuster_args=\"a\"\n",
		"set muster_args=a\"b\"\n",
		"set muster_args",
		"set muster_args=\"",
		"set",
	};
	const char *out;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(edit(bad[i], 200, "name", "x", &out), -EINVAL);
		CHECK_STR(out, bad[i]);
		CHECK(strstr(why, "set muster_args="));
	}
	char longest[1200] = "set muster_args=\"";

	memset(longest + strlen(longest), 'x', 1100);
	strcat(longest, "\"\n");
	CHECK_EQ(edit(longest, 1200, "name", "x", &out), -EINVAL);

	char zeros[] = "set muster_args=\"\"\n\0\n";

	CHECK_EQ(settings_file_edit(zeros, sizeof(zeros) - 1, 100, NULL, 0, why, sizeof(why)),
		 -EINVAL);
}

TEST(random_texts)
{
	static const char *const parts[] = { "set muster_args=",
					     "set ",
					     "muster_args=",
					     "\"",
					     "'",
					     "\n",
					     "\r\n",
					     "#",
					     " ",
					     "ip=1.2.3.4",
					     "name=a",
					     "=",
					     "$",
					     "\\",
					     "###############",
					     "\t",
					     ";" };
	const char *out;

	srand(3);
	for (int round = 0; round < 20000; round++) {
		char text[600] = "";
		unsigned n = rand() % 24;
		int got;

		while (n--)
			strcat(text, parts[rand() % (sizeof(parts) / sizeof(parts[0]))]);
		size_t len = strlen(text), room = len + (rand() % 2 ? rand() % 30 : 0);

		got = edit(text, room, "name", rand() % 3 ? "somebody" : NULL, &out);
		if (got < 0) {
			CHECK(*why);
			CHECK_STR(out, text);
		} else {
			CHECK((size_t)got >= len && (size_t)got <= room);
			CHECK_EQ(strlen(out), got);
		}
	}
}
