# SPDX-License-Identifier: GPL-2.0-or-later
# Tests. `make check` runs all; TEST=pattern only those whose name has it; SEED= repeats a run.

TCFLAGS := -std=gnu11 -g -O1 -D_GNU_SOURCE -I. -Wall -Wextra -Werror
TSAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TBUILD := $(BUILD)/tests

# --- unit: one program per file, linked with what its head names: `Sources: a.c b.c` -----------------
# (The .d files add included .c files to the prerequisites, so $^ cannot be used.)
unit_sources = $(filter %.c,$(shell sed -n '1,20s/.*Sources: *//p' tests/unit/$(1).c)) $(unit_$(1))
unit_test_multiboot := boot/multiboot.c
unit_test_fb := $(BUILD)/kobj/font.s

UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT:%=$(TBUILD)/unit/%)

define unit
$(TBUILD)/unit/$(1): tests/unit/$(1).c $(call unit_sources,$(1))
	$$(call log,UNIT,$(1))
	@mkdir -p $$(@D)
	$(Q)$(CC) $(TCFLAGS) $(TSAN) -DSOURCE_DIR='"$(CURDIR)"' -MMD -MP -o $$@ $$< $(call unit_sources,$(1))
endef
$(foreach t,$(UNIT),$(eval $(call unit,$(t))))

# --- abi: programs for which Linux itself is the oracle ---------------------------------------------
# They do wrong things on purpose, which the compiler would refuse.
ABI_WARN := -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds -Wno-infinite-recursion \
	-Wno-nonnull
ABI_BIN := $(patsubst tests/abi/%.c,$(TBUILD)/abi/%,$(filter-out tests/abi/i386_%,$(wildcard tests/abi/*.c)))

$(TBUILD)/abi/%: tests/abi/%.c tests/abi/abi.h tests/abi/child.h
	$(call log,ABI,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(filter-out -O1,$(TCFLAGS)) $(ABI_WARN) -o $@ $< -lm -lpthread -lutil

# Those that tests/abi/i386.list names are built for i386 too, and i386_* only so. The headers in <asm/>
# are the same for both.
ABI32_BIN := $(patsubst %,$(TBUILD)/abi32/%,$(shell grep -v '^\#' tests/abi/i386.list))

$(TBUILD)/abi32/%: tests/abi/%.c tests/abi/abi.h tests/abi/child.h
	$(call log,ABI32,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -idirafter /usr/include/x86_64-linux-gnu -O2 $(filter-out -O1,$(TCFLAGS)) \
		$(ABI_WARN) -o $@ $< -lm -lpthread -lutil

# Programs of tests/abi/real in other languages, if their compilers are there.
REAL_BIN := $(if $(shell command -v go),$(TBUILD)/real/goroutines) $(if $(shell command -v javac),$(TBUILD)/real/Pool.class)

$(TBUILD)/real/%: tests/abi/real/src/%.go
	$(call log,GO,$*)
	@mkdir -p $(@D)
	$(Q)cd $(<D) && CGO_ENABLED=0 GO111MODULE=off GOCACHE=$(abspath $(TBUILD))/gocache go build -o $(abspath $@) $(<F)

$(TBUILD)/real/%.class: tests/abi/real/src/%.java
	$(call log,JAVAC,$*)
	@mkdir -p $(@D)
	$(Q)javac -d $(@D) $<

# --- programs of tests/system ----------------------------------------------------------------------
SYSTEM_BIN := $(patsubst tests/system/%.c,$(TBUILD)/%,$(wildcard tests/system/*.c))

$(TBUILD)/%: tests/system/%.c $(wildcard proto/*.[ch])
	$(call log,CC,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(filter-out -O1,$(TCFLAGS)) -o $@ $(filter %.c,$^) \
		-Wl,-z,lazy -fno-builtin -lpthread -lm

.PHONY: tests check unit
tests: $(UNIT_BIN) $(ABI_BIN) $(ABI32_BIN) $(REAL_BIN) $(SYSTEM_BIN)

check: tests tools images
	MUSTER_THIRD=$(abspath $(THIRD)) python3 tests/run.py --build $(BUILD) $(if $(SEED),--seed $(SEED)) $(TEST)

# Only what needs no node.
unit: $(UNIT_BIN)
	python3 tests/run.py --build $(BUILD) --no-nodes unit

-include $(wildcard $(TBUILD)/unit/*.d)
