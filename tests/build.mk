# SPDX-License-Identifier: GPL-2.0-or-later
# Tests. `make check` runs all; TEST=pattern only those whose name has it; SEED= repeats a run.

TCFLAGS := -std=gnu11 -g -O1 -D_GNU_SOURCE -I. -Wall -Wextra -Werror
TSAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TBUILD := $(BUILD)/tests

# --- unit: one program per file, linked with what its head names: `Sources: a.c b.c` -----------------
# (The .d files add included .c files to the prerequisites, so $^ cannot be used.)
unit_sources = $(filter %.c,$(shell sed -n '1,20s/.*Sources: *//p' tests/unit/$(1).c)) $(unit_$(1))
unit_test_multiboot := boot/multiboot.c

UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT:%=$(TBUILD)/unit/%)

define unit
$(TBUILD)/unit/$(1): tests/unit/$(1).c $(call unit_sources,$(1))
	$$(call log,UNIT,$(1))
	@mkdir -p $$(@D)
	$(Q)$(CC) $(TCFLAGS) $(TSAN) -MMD -MP -o $$@ $$< $(call unit_sources,$(1))
endef
$(foreach t,$(UNIT),$(eval $(call unit,$(t))))

# --- abi: programs for which Linux itself is the oracle ---------------------------------------------
# They do wrong things on purpose, which the compiler would refuse.
ABI_WARN := -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds -Wno-infinite-recursion \
	-Wno-nonnull
ABI_BIN := $(patsubst tests/abi/%.c,$(TBUILD)/abi/%,$(wildcard tests/abi/*.c))

$(TBUILD)/abi/%: tests/abi/%.c tests/abi/abi.h
	$(call log,ABI,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(filter-out -O1,$(TCFLAGS)) $(ABI_WARN) -o $@ $< -lm -lpthread -lutil

# --- programs of tests/system ----------------------------------------------------------------------
SYSTEM_BIN := $(patsubst tests/system/%.c,$(TBUILD)/%,$(wildcard tests/system/*.c))

$(TBUILD)/%: tests/system/%.c $(wildcard proto/*.[ch])
	$(call log,CC,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(filter-out -O1,$(TCFLAGS)) -o $@ $(filter %.c,$^) \
		-Wl,-z,lazy -fno-builtin -lpthread -lm

.PHONY: tests check unit
tests: $(UNIT_BIN) $(ABI_BIN) $(SYSTEM_BIN)

check: tests tools images
	MUSTER_THIRD=$(abspath $(THIRD)) python3 tests/run.py --build $(BUILD) $(if $(SEED),--seed $(SEED)) $(TEST)

# Only what needs no node.
unit: $(UNIT_BIN)
	python3 tests/run.py --build $(BUILD) --no-nodes unit

-include $(wildcard $(TBUILD)/unit/*.d)
