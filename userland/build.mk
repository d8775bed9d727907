# SPDX-License-Identifier: GPL-2.0-or-later
# The home side. Each program is userland/tools/NAME.c, or a folder of its own (NAME_DIR), linked with
# userland/lib and proto. A new tool is one file there, and one line in tools/muster.c.

UCFLAGS ?= -O2 -g
UFLAGS := -std=gnu11 $(UCFLAGS) -D_GNU_SOURCE -I. -Wall -Wextra -Werror -fstack-protector-strong

# What more than its one file a tool is made of.
mosrun_DIR := userland/deputy
mosrun_LIBS := -lcapstone
muster-emulate_DIR := userland/emulate
muster-netboot_DIR := userland/netboot
musterd_DIR := userland/musterd

UPROGS := $(patsubst userland/tools/%.c,%,$(wildcard userland/tools/*.c)) musterd
ULIB := $(patsubst %.c,$(BUILD)/uobj/%.o,$(wildcard userland/lib/*.c proto/*.c))
UBIN := $(UPROGS:%=$(BUILD)/bin/%)

uobjs = $(patsubst %.c,$(BUILD)/uobj/%.o,$(wildcard userland/tools/$(1).c $(addsuffix /*.c,$($(1)_DIR))))

.PHONY: tools
tools: $(UBIN)
all: tools

$(BUILD)/uobj/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(UFLAGS)' | cmp -s - $@ || echo '$(UFLAGS)' >$@

$(BUILD)/uobj/%.o: %.c $(BUILD)/uobj/flags
	$(call log,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UFLAGS) -MMD -MP -c $< -o $@

define uprog
$(BUILD)/bin/$(1): $(call uobjs,$(1)) $(ULIB)
	$(call log,LINK,$$@)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(UCFLAGS) -o $$@ $$^ $($(1)_LIBS)
endef
$(foreach p,$(UPROGS),$(eval $(call uprog,$(p))))

-include $(shell find $(BUILD)/uobj -name '*.d' 2>/dev/null)
