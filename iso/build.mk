# SPDX-License-Identifier: GPL-2.0-or-later
# Images to boot a node from. CMDLINE="..." gives the kernel's arguments; on the floppy they can be
# changed later, in muster.cfg.

export CMDLINE
IMAGES := $(BUILD)/images
# The whole must fit on a floppy with room to grow.
KERNEL_XZ_MAX := 700000

images: $(IMAGES)/muster-floppy.img $(IMAGES)/muster.iso $(IMAGES)/muster.elf
all: images

$(IMAGES)/cmdline: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$CMDLINE" | cmp -s - $@ || printf '%s\n' "$$CMDLINE" >$@

# For network boot and `qemu -kernel`, too: without what only a debugger reads.
$(IMAGES)/muster.elf: $(KERNEL)
	@mkdir -p $(@D)
	$(Q)strip -s -o $@ $<

# GRUB's decompressor takes no dictionary larger than the default of its own build.
$(IMAGES)/muster.xz: $(IMAGES)/muster.elf
	$(call log,XZ,$@)
	$(Q)xz --check=crc32 --x86 --lzma2=preset=9,dict=1MiB --stdout $< >$@.tmp
	@size=$$(stat -c %s $@.tmp); [ $$size -lt $(KERNEL_XZ_MAX) ] || { rm -f $@.tmp; \
		echo "the compressed kernel has $$size bytes; the limit is $(KERNEL_XZ_MAX)" >&2; exit 1; }
	@mv $@.tmp $@

ISO_PARTS := iso/grub.cfg iso/muster.cfg.in iso/common.sh $(IMAGES)/cmdline

$(IMAGES)/muster-floppy.img: $(IMAGES)/muster.xz iso/mkfloppy.sh iso/patch-boot.py $(ISO_PARTS)
	$(call log,FLOPPY,$@)
	$(Q)bash iso/mkfloppy.sh $@ $< "$$CMDLINE"

$(IMAGES)/muster.iso: $(IMAGES)/muster.xz iso/mkiso.sh $(ISO_PARTS)
	$(call log,ISO,$@)
	$(Q)bash iso/mkiso.sh $@ $< "$$CMDLINE"
