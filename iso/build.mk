# SPDX-License-Identifier: GPL-2.0-or-later
# Images to boot a node from. CMDLINE="..." gives the kernel's arguments; on the floppy they can be
# changed later, in muster.cfg.

export CMDLINE
IMAGES := $(BUILD)/images
# The whole must fit on a floppy with room to grow.
KERNEL_XZ_MAX := 700000

NETBOOT := $(addprefix $(IMAGES)/netboot/,muster.0 muster.efi grub.cfg)

images: $(IMAGES)/muster-floppy.img $(IMAGES)/muster.iso $(IMAGES)/muster.elf $(NETBOOT)
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

# --- network boot: `muster netboot` hands these out, and muster.elf ---------------------------------
# The BIOS loader runs in real mode.
PXE_FLAGS := -m16 -march=i386 -std=gnu11 -Os -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -Wall -Wextra -Werror -I.
PXE_OBJ := $(patsubst %,$(BUILD)/pxeobj/%.o,$(wildcard iso/pxe/*.[cS]))

$(BUILD)/pxeobj/%.o: %
	$(call log,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PXE_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/pxeobj/muster.0.elf: $(PXE_OBJ) iso/pxe/pxe.ld
	$(Q)$(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments \
		-T iso/pxe/pxe.ld -o $@ $(PXE_OBJ)

$(IMAGES)/netboot/muster.0: $(BUILD)/pxeobj/muster.0.elf
	$(call log,PXE,$@)
	@mkdir -p $(@D)
	$(Q)objcopy -O binary $< $@

$(IMAGES)/netboot/muster.efi: iso/mknetboot.sh iso/common.sh
	$(call log,EFI,$@)
	@mkdir -p $(@D)
	$(Q)bash iso/mknetboot.sh $@

$(IMAGES)/netboot/grub.cfg: iso/netboot.cfg
	@mkdir -p $(@D)
	$(Q)cp $< $@

-include $(shell find $(BUILD)/pxeobj -name '*.d' 2>/dev/null)
