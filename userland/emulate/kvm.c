/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does KVM work? Inside some virtual machines /dev/kvm opens, and even makes virtual CPUs, but none
 * ever runs. So one is made to execute a single hlt.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"

#define HLT 0xf4
#define CODE_AT 0x1000

static bool cpu_runs(int vcpu, int run_size)
{
	struct kvm_run *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = 0, .rflags = 2 };
	bool ok = false;

	if (run == MAP_FAILED)
		return false;
	if (!ioctl(vcpu, KVM_GET_SREGS, &sregs)) {
		sregs.cs.base = CODE_AT;
		sregs.cs.selector = CODE_AT >> 4;
		ok = !ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs) &&
		     !ioctl(vcpu, KVM_RUN, 0) && run->exit_reason == KVM_EXIT_HLT;
	}
	munmap(run, run_size);
	return ok;
}

bool kvm_works(void)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = CODE_AT,
						      .memory_size = 4096 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = -1, vcpu = -1;
	uint8_t *mem = MAP_FAILED;
	bool ok = false;

	if (kvm < 0)
		return false;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		goto out;
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		goto out;
	memset(mem, HLT, 4096);
	region.userspace_addr = (uintptr_t)mem;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		goto out;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu >= 0)
		ok = cpu_runs(vcpu, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
out:
	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
	if (mem != MAP_FAILED)
		munmap(mem, 4096);
	close(kvm);
	return ok;
}
