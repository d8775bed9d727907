# SPDX-License-Identifier: GPL-2.0-or-later
# Muster: everything is built from here; `make help` lists the targets.
#
# Each part adds itself by a fragment: userland/build.mk, tests/build.mk, iso/build.mk. The kernel takes
# every .c and .S below boot/, kernel/, net/ and drivers/, and proto/*.c, which both halves share.

.DEFAULT_GOAL := all

BUILD ?= build
# Fetched sources and the libraries built from them; may be shared by several BUILD folders.
THIRD ?= build/third_party
CMDLINE ?=

ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory -rR
.SUFFIXES:

CC := gcc
V ?= 0
ifeq ($(V),0)
Q := @
log = @printf '  %-7s %s\n' $(1) '$(2)'
else
Q :=
log = @:
endif

# --- what the kernel's code, ours and third parties', is compiled with -----------------------------
# No SSE, MMX or x87: those registers belong to the guest. No red zone: interrupts use the same stack.
# __linux__ is the host compiler's idea and would mislead newlib and lwIP.
export KFLAGS := -std=gnu11 -O2 -g -ffreestanding -mno-red-zone -mcmodel=kernel -fno-pic -fno-pie \
	-mno-sse -mno-mmx -mno-80387 -fcf-protection=none -fno-stack-protector \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-strict-aliasing \
	-U__linux__ -Ulinux -U__unix__ -Uunix
KWARN := -Wall -Wextra -Werror
KINC := -nostdinc -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) -isystem $(THIRD)/newlib/include \
	-I. -Inet/port -I$(THIRD)/lwip/src/src/include
KDEFS := -D__MUSTER_KERNEL__
ifneq ($(CONFIG_BENCH),)
KDEFS += -DCONFIG_BENCH
endif
ifneq ($(CONFIG_SELFTEST),)
KDEFS += -DCONFIG_SELFTEST
endif

# Empty if git or the history is not there (a tarball): then the version is the one of proto/ alone.
GIT_VERSION := $(shell git describe --always --dirty 2>/dev/null)

# --- the kernel -----------------------------------------------------------------------------------
KSRC := $(sort $(shell find boot kernel net drivers -name '*.[cS]' 2>/dev/null) $(wildcard proto/*.c))
KOBJ := $(patsubst %,$(BUILD)/kobj/%.o,$(KSRC)) $(BUILD)/kobj/font.o
include third_party/lwip.mk
ifneq ($(wildcard net/port/lwipopts.h),)
LWIP_OBJ := $(patsubst %.c,$(BUILD)/kobj/lwip/%.o,$(LWIP_SRC))
endif
KLIBS := $(THIRD)/newlib/libc.a
KLINK := $(CC) -nostdlib -static -no-pie -Wl,-z,max-page-size=4096,--build-id=none,--gc-sections \
	-Wl,-z,noexecstack,--no-warn-rwx-segments -T linker.ld
DEPS_STAMP := $(THIRD)/stamp
KERNEL := $(BUILD)/muster.elf

.PHONY: all docs help deps kernel run check bench images install clean distclean FORCE

all: kernel

help:
	@echo 'Muster: spare PCs as extra processors of a Linux machine.'
	@echo
	@echo '  make            everything: kernel, home side, images'
	@echo '  make deps       install Debian packages, fetch and build pinned sources (done by all others)'
	@echo '  make run        boot a node in QEMU from its image and run the first session on it'
	@echo '  make check      every test; last line: N passed, N failed'
	@echo '  make bench      every benchmark, beside a Linux guest; also $(BUILD)/bench.tsv'
	@echo '  make images     $(BUILD)/images: floppy, ISO/USB, kernel (CMDLINE="..." sets its command line)'
	@echo '  make docs       docs/SYSCALLS.md, from the system-call table'
	@echo '  make install    DESTDIR= PREFIX=/usr/local'
	@echo '  make clean      remove what was built; distclean: also what was fetched'
	@echo
	@echo '  BUILD=folder  V=1  CONFIG_BENCH=1 (node with echo and sink services)  CONFIG_SELFTEST=1'

# What the build needs comes before all else: the stamp is included, and make remakes an included file
# (it is empty) before it looks at any target, then starts over if it changed. The script changes it
# only if it did something, so a second run rebuilds nothing.
deps:
	@:
ifneq ($(filter-out help clean distclean,$(or $(MAKECMDGOALS),all)),)
include $(DEPS_STAMP)
$(DEPS_STAMP): FORCE
	@bash third_party/deps.sh $(THIRD)
endif

kernel: $(KERNEL)

# Objects depend on the flags too: another CONFIG_BENCH rebuilds them.
$(BUILD)/kobj/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(KFLAGS) $(KWARN) $(KDEFS)' | cmp -s - $@ || echo '$(KFLAGS) $(KWARN) $(KDEFS)' >$@

$(BUILD)/kobj/%.c.o: %.c $(DEPS_STAMP) $(BUILD)/kobj/flags
	$(call log,KCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) $(KWARN) $(KINC) $(KDEFS) -ffunction-sections -fdata-sections -MMD -MP -c $< -o $@

$(BUILD)/kobj/%.S.o: %.S $(DEPS_STAMP) $(BUILD)/kobj/flags
	$(call log,KAS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) $(KINC) $(KDEFS) -MMD -MP -c $< -o $@

# The framebuffer's font is GRUB's own, GNU Unifont.
FONT := /usr/share/grub/unicode.pf2
$(BUILD)/kobj/font.s: drivers/console/gen-font.py $(DEPS_STAMP)
	$(call log,FONT,$(FONT))
	@mkdir -p $(@D)
	$(Q)python3 $< $(FONT) >$@.tmp && mv $@.tmp $@

$(BUILD)/kobj/font.o: $(BUILD)/kobj/font.s
	$(Q)$(CC) -c $< -o $@

# lwIP's own sources warn under -Wextra; ours that include its headers do not. Its path is given by
# name, not as a prerequisite, because it exists only after deps.
$(LWIP_OBJ): $(BUILD)/kobj/lwip/%.o: $(DEPS_STAMP) $(BUILD)/kobj/flags
	$(call log,KCC,lwip/$*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) -Wall -Wno-address $(KINC) $(KDEFS) -ffunction-sections -fdata-sections -MMD -MP \
		-c $(THIRD)/lwip/src/src/$*.c -o $@

# The kernel carries the names of its functions for backtraces: link once without, list them, link again.
$(BUILD)/kobj/ksyms0.o: boot/gen-ksyms.py
	@mkdir -p $(@D)
	$(Q)python3 boot/gen-ksyms.py </dev/null | $(CC) -x assembler -c - -o $@

$(BUILD)/muster.pass1.elf: $(KOBJ) $(LWIP_OBJ) $(BUILD)/kobj/ksyms0.o linker.ld $(DEPS_STAMP)
	$(call log,LINK,$@)
	$(Q)$(KLINK) -o $@ $(KOBJ) $(LWIP_OBJ) $(BUILD)/kobj/ksyms0.o $(KLIBS)

$(BUILD)/kobj/ksyms.o: $(BUILD)/muster.pass1.elf
	$(Q)nm $< | python3 boot/gen-ksyms.py | $(CC) -x assembler -c - -o $@

$(KERNEL): $(BUILD)/muster.pass1.elf $(BUILD)/kobj/ksyms.o
	$(call log,LINK,$@)
	$(Q)$(KLINK) -o $@ $(KOBJ) $(LWIP_OBJ) $(BUILD)/kobj/ksyms.o $(KLIBS)

-include $(shell find $(BUILD)/kobj -name '*.d' 2>/dev/null)

# --- the other parts ------------------------------------------------------------------------------
-include userland/build.mk
-include tests/build.mk
-include tests/bench.mk
-include iso/build.mk

# What of the documentation is made from the sources; committed.
docs:
	python3 docs/gen-syscalls.py >docs/SYSCALLS.md

# The README's first session, on a node that boots from the floppy image.
run: tools images
	$(BUILD)/bin/muster emulate 1 --image=floppy -- bash docs/first-session.sh

# Tools look for images in ../share/muster beside their own folder.
PREFIX ?= /usr/local
install: tools images
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/muster' \
		'$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/man/man7' \
		'$(DESTDIR)$(PREFIX)/share/man/man8'
	install -m 644 docs/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1/'
	install -m 644 docs/man/*.7 '$(DESTDIR)$(PREFIX)/share/man/man7/'
	install -m 644 docs/man/*.8 '$(DESTDIR)$(PREFIX)/share/man/man8/'
	install -m 755 $(UBIN) '$(DESTDIR)$(PREFIX)/bin/'
	install -m 644 $(IMAGES)/muster.elf $(IMAGES)/muster-floppy.img $(IMAGES)/muster.iso \
		'$(DESTDIR)$(PREFIX)/share/muster/'
	install -d '$(DESTDIR)$(PREFIX)/share/muster/netboot'
	install -m 644 $(NETBOOT) '$(DESTDIR)$(PREFIX)/share/muster/netboot/'

clean:
	rm -rf $(filter-out $(BUILD)/third_party,$(wildcard $(BUILD)/* $(BUILD)/.[!.]*))

distclean:
	rm -rf $(BUILD) $(THIRD)
