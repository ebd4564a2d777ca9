// SPDX-License-Identifier: GPL-2.0
/*
 * A KVM guest owns its page tables, so everything is as on bare hardware; only
 * the flush can be made aware of vCPUs that the host has preempted, and is not
 * yet: it is bare's.
 */
#include <linux/kvm_para.h>
#include "backend_bare.h"
#include "core.h"

static int pvmem_kvm_start(struct pvmem *pv)
{
	return kvm_para_available() ? 0 : -ENODEV;
}

static void pvmem_kvm_stop(struct pvmem *pv)
{
}

const struct pvmem_backend pvmem_backend_kvm = {
	.name = "kvm",
	.default_policy = PVMEM_POLICY_TRACK,
	.start = pvmem_kvm_start,
	.stop = pvmem_kvm_stop,
	.set = pvmem_bare_set,
	.clear = pvmem_bare_clear,
	.build = pvmem_bare_build,
	.zap = pvmem_bare_zap,
	.pin = pvmem_bare_pin,
	.unpin = pvmem_bare_pin,
};
