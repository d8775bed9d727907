/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places where somebody can look at the node: its own screen with the keyboard, and the serial
 * line. Each shows the log, as kprintf() writes it, until the screen's thread takes it to paint on
 * it.
 */
#ifndef DRIVERS_CONSOLE_CONSOLE_H
#define DRIVERS_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/console/cells.h"

struct boot_info;

enum console_id { CONSOLE_SCREEN, CONSOLE_SERIAL, CONSOLE_COUNT };

/*
 * Finds what exists; the log goes there from now on. console=serial or console=vga on the command
 * line leaves the other out. Before memory management; after kmap_init() console_map() makes a
 * framebuffer quick, or visible at all.
 */
void console_init(const struct boot_info *bi);
void console_map(void);

/* For kprintf(): notes it in klog and shows it where the log is shown. Any context. */
void console_write(const char *s, size_t len);

/*
 * A panic has begun, all other CPUs are stopped: every console shows the log, no locks are taken
 * any more.
 */
void console_panic(void);

/*
 * After a panic, instead of halting: shows what has scrolled off the screen when somebody asks for
 * it (PgUp, PgDn). Does not return.
 */
void console_panic_browse(void) __attribute__((noreturn));

/* --- for the screen's thread, which may sleep in all of these --------------------------------- */

/* Lets keys come. Once, when interrupts work. */
void console_input_start(void);

/*
 * Stops the log there and gives its picture, to be painted and flushed by the caller; NULL when
 * there is no such console. Its contents are arbitrary: picture_erase() and picture_redraw() first.
 */
struct picture *console_take(enum console_id id);

/* The serial line shows the log again, and first what was said meanwhile. */
void console_give_back(enum console_id id);

bool console_exists(enum console_id id);

/* The next key (keys.h) typed at that console, KEY_NONE for none. */
int console_key(enum console_id id);

/* Waits for a key, for console_poke(), or for that time; may come early. */
void console_wait(uint64_t deadline_ns);

/* Ends console_wait(), or the next one. Any context. */
void console_poke(void);

#endif
