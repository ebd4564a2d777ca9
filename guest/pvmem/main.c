// SPDX-License-Identifier: GPL-2.0
/*
 * Start and stop: parameters, choice of backend, the one instance of the module,
 * CPU hotplug and suspend.
 */
#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/kvm_para.h>
#include <linux/pm.h>
#include <xen/xen.h>
#include "core.h"
#include "module.h"

#define MIB_TO_BLOCKS(mib) ((mib) >> (PVMEM_BLOCK_SHIFT - 20))

struct pvmem *pvmem_instance;

static struct platform_device *pvmem_device;
static enum cpuhp_state pvmem_cpuhp;

static char *policy = "auto";
module_param(policy, charp, 0444);
MODULE_PARM_DESC(policy, "hold, track, eager or auto (hold on Xen PV, else track); later /sys/kernel/pvmem/policy");

static ulong lazy_limit;
module_param(lazy_limit, ulong, 0444);
MODULE_PARM_DESC(lazy_limit, "lazy pages above which the worker purges, 512 to 1/8 of RAM; 0: as the policy has it");

static uint window_mb = 32;
module_param(window_mb, uint, 0444);
MODULE_PARM_DESC(window_mb, "address space reserved at a time, MiB, an even number from 4 to 1024");

static uint window_max_mb = 4096;
module_param(window_max_mb, uint, 0444);
MODULE_PARM_DESC(window_max_mb, "address space reserved at most, MiB, from window_mb to 65536");

static ulong ptpool_low = 64;
module_param(ptpool_low, ulong, 0444);
MODULE_PARM_DESC(ptpool_low, "page-table pages below which a node's reservoir is refilled");

static ulong ptpool_high = 256;
module_param(ptpool_high, ulong, 0444);
MODULE_PARM_DESC(ptpool_high, "page-table pages a node's reservoir is refilled to; 0 turns the pool off");

static uint ptpool_batch = 32;
module_param(ptpool_batch, uint, 0444);
MODULE_PARM_DESC(ptpool_batch, "page-table pages prepared at a time, 1 to 64");

static uint ptpool_max_percent = 2;
module_param(ptpool_max_percent, uint, 0444);
MODULE_PARM_DESC(ptpool_max_percent, "most of RAM that the pool may hold, percent, 1 to 25");

static const char *const pvmem_policy_names[PVMEM_NR_POLICIES] = {
	[PVMEM_POLICY_HOLD] = "hold",
	[PVMEM_POLICY_TRACK] = "track",
	[PVMEM_POLICY_EAGER] = "eager",
};

/**
 * pvmem_policy_name() - a policy in words
 * @policy: the policy.
 *
 * Return: its name.
 */
const char *pvmem_policy_name(enum pvmem_policy policy)
{
	return pvmem_policy_names[policy];
}

/**
 * pvmem_policy_parse() - a policy from words
 * @name: the name; a newline at its end is allowed.
 *
 * Return: the policy, or -EINVAL.
 */
int pvmem_policy_parse(const char *name)
{
	return sysfs_match_string(pvmem_policy_names, name);
}

static int pvmem_cpu_dead(unsigned int cpu)
{
	pvmem_block_leave_cpu(pvmem_instance, cpu);
	pvmem_ptpool_leave_cpu(pvmem_instance, cpu);
	return 0;
}

/*
 * A device without hardware, for its place in suspend: Xen's save/restore calls
 * no PM notifier, but it does suspend devices.
 */
static int pvmem_suspend(struct device *dev)
{
	int err;

	pvmem_ptpool_freeze(pvmem_instance);
	err = pvmem_purge(pvmem_instance);
	if (err)
		pvmem_ptpool_thaw(pvmem_instance);
	return err;
}

static int pvmem_resume(struct device *dev)
{
	pvmem_ptpool_thaw(pvmem_instance);
	return 0;
}

static const struct dev_pm_ops pvmem_pm_ops = { SET_SYSTEM_SLEEP_PM_OPS(pvmem_suspend, pvmem_resume) };

static struct platform_driver pvmem_driver = {
	.driver = {
		.name = "pvmem",
		.pm = &pvmem_pm_ops,
	},
};

static int pvmem_device_start(void)
{
	int err = platform_driver_register(&pvmem_driver);

	if (err)
		return err;
	pvmem_device = platform_device_register_simple("pvmem", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pvmem_device)) {
		platform_driver_unregister(&pvmem_driver);
		return PTR_ERR(pvmem_device);
	}
	return 0;
}

static void pvmem_device_stop(void)
{
	platform_device_unregister(pvmem_device);
	platform_driver_unregister(&pvmem_driver);
}

static bool pvmem_lazy_limit_valid(unsigned long limit)
{
	return !limit || (limit >= PVMEM_LAZY_LIMIT_MIN && limit <= totalram_pages() / 8);
}

/*
 * Held pages are memory that nobody can use: 1/64 of RAM, at most 32 MiB. Others
 * use up address space only, like the stock kernel's lazy mappings: as many as
 * those, by its own rule, but no more aliases than an eighth of RAM.
 */
static unsigned long pvmem_lazy_limit_of(enum pvmem_policy policy)
{
	unsigned long ram = totalram_pages();

	if (lazy_limit)
		return lazy_limit;
	if (policy == PVMEM_POLICY_HOLD)
		return clamp(ram / 64, PVMEM_LAZY_LIMIT_MIN, 8192UL);
	return clamp(ram / 8, PVMEM_LAZY_LIMIT_MIN, 8192UL * fls(num_online_cpus()));
}

/* Say so when the policy does not fit the hypervisor. */
static void pvmem_policy_advise(const struct pvmem *pv)
{
	if (pv->ops->typed && READ_ONCE(pv->policy) == PVMEM_POLICY_TRACK)
		pr_info("pvmem: policy track on %s: page tables that the kernel allocates itself may meet aliases and fail to pin\n",
			pv->ops->name);
}

/**
 * pvmem_policy_set() - another policy, for unmaps from now on
 * @pv: the instance.
 * @to: the policy.
 *
 * Context: process, sleeps; takes grow_mutex.
 */
void pvmem_policy_set(struct pvmem *pv, enum pvmem_policy to)
{
	mutex_lock(&pv->grow_mutex);
	WRITE_ONCE(pv->policy, to);
	WRITE_ONCE(pv->lazy_limit, pvmem_lazy_limit_of(to));
	mutex_unlock(&pv->grow_mutex);
	pvmem_policy_advise(pv);
}

/**
 * pvmem_lazy_limit_set() - another lazy limit
 * @pv: the instance.
 * @limit: in pages, or 0: as the policy has it.
 *
 * Context: process, sleeps; takes grow_mutex.
 * Return: 0 or -ERANGE.
 */
int pvmem_lazy_limit_set(struct pvmem *pv, unsigned long limit)
{
	if (!pvmem_lazy_limit_valid(limit))
		return -ERANGE;
	mutex_lock(&pv->grow_mutex);
	lazy_limit = limit;
	WRITE_ONCE(pv->lazy_limit, pvmem_lazy_limit_of(pv->policy));
	mutex_unlock(&pv->grow_mutex);
	return 0;
}

static int pvmem_refuse(const char *name, unsigned long value, const char *why)
{
	pr_err("pvmem: not loaded: %s=%lu: %s\n", name, value, why);
	return -EINVAL;
}

static int pvmem_check_limits(unsigned long ram)
{
	if (!pvmem_lazy_limit_valid(lazy_limit))
		return pvmem_refuse("lazy_limit", lazy_limit, "must be 512 to an eighth of RAM, in pages");
	if (window_mb < 4 || window_mb > 1024 || window_mb % 2)
		return pvmem_refuse("window_mb", window_mb, "must be even, 4 to 1024");
	if (window_max_mb < window_mb || window_max_mb > 65536)
		return pvmem_refuse("window_max_mb", window_max_mb, "must be window_mb to 65536");
	if (ptpool_max_percent < 1 || ptpool_max_percent > 25)
		return pvmem_refuse("ptpool_max_percent", ptpool_max_percent, "must be 1 to 25");
	if (ptpool_batch < 1 || ptpool_batch > PVMEM_PTPOOL_BATCH_MAX)
		return pvmem_refuse("ptpool_batch", ptpool_batch, "must be 1 to 64");
	if (ptpool_high > ram * ptpool_max_percent / 100)
		return pvmem_refuse("ptpool_high", ptpool_high, "exceeds ptpool_max_percent of RAM");
	if (!ptpool_high)
		ptpool_low = 0;
	if (ptpool_low > ptpool_high)
		return pvmem_refuse("ptpool_low", ptpool_low, "must not exceed ptpool_high");
	return 0;
}

static unsigned long pvmem_nr_pfns(void)
{
	unsigned long nr = 0;
	int nid;

	for_each_online_node(nid)
		nr = max(nr, node_end_pfn(nid));
	return nr;
}

static int pvmem_configure(struct pvmem_config *config, const struct pvmem_backend *ops)
{
	unsigned long ram = totalram_pages();
	int parsed = ops->default_policy, err;

	if (strcmp(policy, "auto"))
		parsed = pvmem_policy_parse(policy);
	if (parsed < 0) {
		pr_err("pvmem: not loaded: policy=%s: must be auto, hold, track or eager\n", policy);
		return -EINVAL;
	}
	err = pvmem_check_limits(ram);
	if (err)
		return err;
	*config = (struct pvmem_config) {
		.policy = parsed,
		.nr_pfns = pvmem_nr_pfns(),
		.lazy_limit = pvmem_lazy_limit_of(parsed),
		.window_blocks = MIB_TO_BLOCKS(window_mb),
		.max_blocks = MIB_TO_BLOCKS(window_max_mb),
		.pool = {
			.low = ptpool_low,
			.high = ptpool_high,
			.cap = ram * ptpool_max_percent / 100,
			.batch = ptpool_batch,
		},
	};
	return 0;
}

static const struct pvmem_backend *pvmem_detect(void)
{
	if (xen_pv_domain())
		return &pvmem_backend_xen_pv;
	return kvm_para_available() ? &pvmem_backend_kvm : &pvmem_backend_bare;
}

static int __init pvmem_start_services(struct pvmem *pv)
{
	int err;

	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/pvmem:dead", NULL, pvmem_cpu_dead);
	if (err < 0)
		return err;
	pvmem_cpuhp = err;
	err = pvmem_device_start();
	if (err)
		goto out_cpuhp;
	err = pvmem_shrinkers_start(pv);
	if (err)
		goto out_device;
	err = pvmem_sysfs_start(pv);
	if (err)
		goto out_shrinkers;
	return 0;

out_shrinkers:
	pvmem_shrinkers_stop();
out_device:
	pvmem_device_stop();
out_cpuhp:
	cpuhp_remove_state_nocalls(pvmem_cpuhp);
	return err;
}

static int __init pvmem_init(void)
{
	const struct pvmem_backend *ops = pvmem_detect();
	struct pvmem_config config;
	int err;

	err = pvmem_configure(&config, ops);
	if (err)
		return err;
	pvmem_instance = pvmem_create(ops, &config);
	if (IS_ERR(pvmem_instance)) {
		err = PTR_ERR(pvmem_instance);
		pr_err("pvmem: not loaded: %s backend: error %d (%s)\n", ops->name, err,
		       err == -ENOMEM ? "out of memory; try smaller window_mb and ptpool_high" : "refused");
		return err;
	}
	err = pvmem_start_services(pvmem_instance);
	if (err) {
		pr_err("pvmem: not loaded: cannot register with the kernel: error %d\n", err);
		pvmem_destroy(pvmem_instance);
		return err;
	}
	pvmem_ptpool_thaw(pvmem_instance);
	pvmem_policy_advise(pvmem_instance);
	pr_info("pvmem: backend %s, policy %s, lazy limit %lu pages, window %u MiB, pool %lu to %lu pages by %lu, cap %lu\n",
		ops->name, pvmem_policy_name(config.policy), config.lazy_limit, window_mb, config.pool.low,
		config.pool.high, config.pool.batch, config.pool.cap);
	return 0;
}

static void __exit pvmem_exit(void)
{
	pvmem_sysfs_stop();
	pvmem_shrinkers_stop();
	pvmem_device_stop();
	cpuhp_remove_state_nocalls(pvmem_cpuhp);
	if (pvmem_destroy(pvmem_instance))
		pr_err("pvmem: unloaded with mappings or page-table pages still in use; their memory is lost\n");
	else
		pr_info("pvmem: unloaded\n");
}

module_init(pvmem_init);
module_exit(pvmem_exit);

MODULE_DESCRIPTION("Lazy vmap, alias query and page-table page pool for paravirtual guests");
MODULE_AUTHOR("pvmem developers");
MODULE_LICENSE("GPL");
