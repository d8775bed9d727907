/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does KVM work? Inside some virtual machines /dev/kvm opens and makes virtual CPUs, but interprets
 * their code one instruction after the other, and stops at the first that its interpreter lacks. So
 * one CPU is made to execute such an instruction, clac, and a hlt.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"

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

/* clac, if this CPU has it (CPUID.7.EBX bit 20), and hlt. */
static void write_code(uint8_t *code)
{
	static const uint8_t clac[] = { 0x0f, 0x01, 0xca };
	unsigned a, b, c, d;

	memset(code, 0xf4, 4096);
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && b & 1u << 20)
		memcpy(code, clac, sizeof(clac));
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
	write_code(mem);
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
