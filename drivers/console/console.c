/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which consoles there are, and who has each: the log or the screen's thread. `taken` changes under
 * the lock, by that thread; kprintf(), with the lock, writes only to those that are not taken, and
 * the thread, without it, only to those that are. A panic takes all.
 */
#include "drivers/console/console.h"

#include <string.h>

#include "boot/boot_info.h"
#include "drivers/console/backends.h"
#include "drivers/console/keys.h"
#include "kernel/klog.h"
#include "kernel/panic.h"
#include "kernel/settings.h"
#include "kernel/sync/spinlock.h"

static struct {
	bool exists, taken, visible;
	uint64_t taken_at; /* what the log had said then */
	struct picture picture;
} consoles[CONSOLE_COUNT];

static spinlock_t lock = SPINLOCK_INIT;
static struct textlog textlog; /* of the screen */

static uint16_t screen_cells[CELLS_ROWS_MAX * CELLS_COLUMNS_MAX];
static uint16_t screen_shown[CELLS_ROWS_MAX * CELLS_COLUMNS_MAX];
static uint16_t serial_cells[80 * 24], serial_shown[80 * 24];

/* --- output ----------------------------------------------------------------------------------- */

static void screen_init(const struct boot_framebuffer *fb)
{
	struct picture *p = &consoles[CONSOLE_SCREEN].picture;
	bool rgb = fb->type == BOOT_FB_RGB;

	consoles[CONSOLE_SCREEN].exists = true;
	consoles[CONSOLE_SCREEN].visible = !rgb || fb_init(fb);
	picture_init(p, rgb ? &fb_display : &vga_display, screen_cells, screen_shown);
	if (consoles[CONSOLE_SCREEN].visible)
		picture_redraw(p);
}

void console_init(const struct boot_info *bi)
{
	const char *only = setting_get("console");

	if (only == NULL || strcmp(only, "vga") != 0) {
		consoles[CONSOLE_SERIAL].exists = serial_init();
		picture_init(&consoles[CONSOLE_SERIAL].picture, &serial_display, serial_cells,
			     serial_shown);
	}
	if (only == NULL || strcmp(only, "serial") != 0)
		screen_init(&bi->fb);
}

/* The screen as a page of the log, up to that position. */
static void show_log(uint64_t end)
{
	struct picture *p = &consoles[CONSOLE_SCREEN].picture;
	uint64_t pos = klog_back(end, p->rows - 1);
	char piece[256];
	size_t n;

	picture_erase(p);
	textlog = (struct textlog){ 0 };
	p->display->clear();
	memcpy(p->shown, p->cells, p->rows * p->columns * sizeof(*p->cells));
	while (pos < end && (n = klog_read(&pos, piece, end - pos < sizeof(piece) ? end - pos :
							sizeof(piece))) > 0)
		textlog_write(&textlog, p, piece, n);
}

void console_map(void)
{
	struct picture *p = &consoles[CONSOLE_SCREEN].picture;

	if (!consoles[CONSOLE_SCREEN].exists || p->display != &fb_display)
		return;
	if (!fb_map()) {
		consoles[CONSOLE_SCREEN].exists = consoles[CONSOLE_SCREEN].visible = false;
		return;
	}
	if (!consoles[CONSOLE_SCREEN].visible)
		show_log(klog_end());
	consoles[CONSOLE_SCREEN].visible = true;
}

static void write_log(const char *s, size_t len)
{
	klog_append(s, len);
	if (consoles[CONSOLE_SERIAL].exists && !consoles[CONSOLE_SERIAL].taken)
		serial_write(s, len);
	if (consoles[CONSOLE_SCREEN].visible && !consoles[CONSOLE_SCREEN].taken)
		textlog_write(&textlog, &consoles[CONSOLE_SCREEN].picture, s, len);
}

void console_write(const char *s, size_t len)
{
	unsigned long flags;

	/* In a panic the holder of the lock may be stopped for ever: write without it. */
	if (panic_in_progress()) {
		write_log(s, len);
		return;
	}
	flags = spin_lock_irqsave(&lock);
	write_log(s, len);
	spin_unlock_irqrestore(&lock, flags);
}

/* --- to the screen's thread and back ---------------------------------------------------------- */

bool console_exists(enum console_id id)
{
	return consoles[id].exists;
}

struct picture *console_take(enum console_id id)
{
	unsigned long flags;

	if (!consoles[id].exists)
		return NULL;
	flags = spin_lock_irqsave(&lock);
	consoles[id].taken = true;
	consoles[id].taken_at = klog_end();
	spin_unlock_irqrestore(&lock, flags);
	return &consoles[id].picture;
}

void console_give_back(enum console_id id)
{
	uint64_t pos = consoles[id].taken_at;
	bool done = false;
	char piece[64];

	if (id != CONSOLE_SERIAL)
		return;
	serial_leave_screen();
	while (!done) {
		unsigned long flags = spin_lock_irqsave(&lock);
		size_t n = klog_read(&pos, piece, sizeof(piece));

		done = n == 0;
		consoles[id].taken = !done;
		spin_unlock_irqrestore(&lock, flags);
		for (size_t i = 0; i < n; i++)
			serial_write_slowly(piece[i] == '\n' ? "\r\n" : &piece[i],
					    piece[i] == '\n' ? 2 : 1);
	}
}

/* --- after a panic ---------------------------------------------------------------------------- */

void console_panic(void)
{
	/* As ansi_leave(), from whatever the terminal was being told. */
	static const char reset[] = "\033[0m\033[?7h\033[?25h\033[2J\033[H";

	if (consoles[CONSOLE_SERIAL].taken)
		serial_write(reset, sizeof(reset) - 1);
	consoles[CONSOLE_SERIAL].taken = false;
	if (consoles[CONSOLE_SCREEN].taken)
		show_log(klog_end());
	consoles[CONSOLE_SCREEN].taken = false;
}

static unsigned lines_before(uint64_t end)
{
	unsigned lines = 0;

	while (klog_back(end, lines + 1) < klog_back(end, lines))
		lines++;
	return lines;
}

void console_panic_browse(void)
{
	uint64_t end = klog_end();
	/* Half a page of lines fits the screen even if each is wrapped. */
	unsigned step = consoles[CONSOLE_SCREEN].picture.rows / 2, back = 0;
	unsigned lines = lines_before(end), most = lines > step ? lines - step : 0;

	for (;;) {
		int key = console_key(CONSOLE_SCREEN);

		if (!key || !consoles[CONSOLE_SCREEN].visible) {
			keyboard_wait_alone();
			continue;
		}
		if (key == KEY_PGUP)
			back = back + step < most ? back + step : most;
		else if (key == KEY_PGDN)
			back -= back < step ? back : step;
		show_log(klog_back(end, back));
	}
}
