# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: forwarded calls and moves against the bare network, network cards and the boot against a
# Linux guest, sizes, media. The node that is measured has services of its own (CONFIG_BENCH) and is
# built in a folder of its own. BENCH="calls moves" runs only these parts: raw calls moves cards sizes
# boots media; CARDS="e1000 pcnet" only these cards.

BENCH_PROGRAMS := tcp calls memory
BENCH_DIR := $(BUILD)/bench
# Software emulation unless told otherwise, so that figures of different machines can be compared.
BENCH_ACCEL ?= tcg

$(BENCH_DIR)/programs/%: tests/bench/%.c
	$(call log,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -o $@ $<

# What is read from, block by block.
$(BENCH_DIR)/programs/block:
	@mkdir -p $(@D)
	$(Q)head -c 1M /dev/urandom >$@

.PHONY: bench-kernel
bench-kernel: $(DEPS_STAMP)
	@# The top Makefile chooses the number of jobs itself, and would complain about an inherited one.
	$(Q)env -u MAKEFLAGS -u MFLAGS $(MAKE) BUILD=$(BENCH_DIR) THIRD=$(THIRD) V=$(V) CONFIG_BENCH=1 \
		$(BENCH_DIR)/images/muster.elf

# The Linux guest to compare with: Debian's kernel, and one program as its whole user space.
BENCH_LINUX := $(THIRD)/linux
.PHONY: deps-bench
deps-bench: deps
	$(Q)bash tests/bench/linux.sh $(BENCH_LINUX)

$(BENCH_DIR)/programs/linux_init: tests/bench/linux_init.c
	$(call log,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Werror -o $@ $<

.PHONY: bench-linux
bench-linux: deps-bench $(BENCH_DIR)/programs/linux_init
	$(Q)python3 tests/bench/initramfs.py $(BENCH_LINUX)/initramfs $(BENCH_DIR)/programs/linux_init \
		$(BENCH_LINUX)/modules/*.ko

bench: tools images bench-kernel bench-linux $(BENCH_PROGRAMS:%=$(BENCH_DIR)/programs/%) $(BENCH_DIR)/programs/block
	$(Q)python3 tests/bench/bench.py --bin $(BUILD)/bin --images $(IMAGES) \
		--bench-images $(BENCH_DIR)/images --programs $(abspath $(BENCH_DIR)/programs) \
		--accel $(BENCH_ACCEL) --out $(BUILD)/bench.tsv $(if $(BENCH),--only $(BENCH)) \
		--linux $(abspath $(BENCH_LINUX)) $(if $(CARDS),--cards $(CARDS))
