/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the takeover needs and kernels spell differently; PVMEM_HAVE_... are
 * guest/pvmem/compat/probes.def.
 */
#ifndef PVMEM_TAKEOVER_COMPAT_H
#define PVMEM_TAKEOVER_COMPAT_H

#include <linux/ftrace.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_types.h>

/* Has each last-level page table a lock of its own? 6.11 made it an option. */
#ifndef USE_SPLIT_PTE_PTLOCKS
#define USE_SPLIT_PTE_PTLOCKS IS_ENABLED(CONFIG_SPLIT_PTE_PTLOCKS)
#endif

#ifdef PVMEM_HAVE_MEMCG_ONLINE
#define takeover_compat_memcg_on() memcg_kmem_online()
#else
#define takeover_compat_memcg_on() memcg_kmem_enabled()
#endif

#ifdef PVMEM_HAVE_PTDESC

#define TAKEOVER_COMPAT_TABLE struct ptdesc
#define TAKEOVER_COMPAT_TABLE_SHAPE "ptdesc*"

static inline struct ptdesc *takeover_compat_table(struct page *page)
{
	return page_ptdesc(page);
}

static inline bool takeover_compat_table_ctor(struct page *page)
{
	return pagetable_pte_ctor(page_ptdesc(page));
}

static inline void takeover_compat_table_dtor(struct page *page)
{
	pagetable_pte_dtor(page_ptdesc(page));
}

static inline spinlock_t *takeover_compat_table_lock(struct page *page)
{
	return ptlock_ptr(page_ptdesc(page));
}

#else

#define TAKEOVER_COMPAT_TABLE struct page
#define TAKEOVER_COMPAT_TABLE_SHAPE "page*"

static inline struct page *takeover_compat_table(struct page *page)
{
	return page;
}

static inline bool takeover_compat_table_ctor(struct page *page)
{
	return pgtable_pte_page_ctor(page);
}

static inline void takeover_compat_table_dtor(struct page *page)
{
	pgtable_pte_page_dtor(page);
}

static inline spinlock_t *takeover_compat_table_lock(struct page *page)
{
	return ptlock_ptr(page);
}

#endif

#ifdef PVMEM_HAVE_FTRACE_DIRECT_OPS

struct takeover_compat_direct {
	struct ftrace_ops ops;
};

struct takeover_compat_hold {
	struct ftrace_ops ops;
};

static inline void notrace takeover_compat_held(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
						struct ftrace_regs *regs)
{
}

/*
 * A direct call is registered here also while ftrace is off, enters nothing, and
 * makes ftrace give up for good once it is unregistered. A permanent user of
 * ftrace is refused while it is off and keeps it on: @site, any function that is
 * seldom called.
 */
static inline int takeover_compat_hold_ftrace(struct takeover_compat_hold *hold, void *site)
{
	int err;

	hold->ops.func = takeover_compat_held;
	hold->ops.flags = FTRACE_OPS_FL_PERMANENT;
	err = ftrace_set_filter_ip(&hold->ops, (unsigned long)site, 0, 0) ?: register_ftrace_function(&hold->ops);
	if (err)
		ftrace_free_filter(&hold->ops);
	return err;
}

static inline void takeover_compat_release_ftrace(struct takeover_compat_hold *hold)
{
	unregister_ftrace_function(&hold->ops);
	ftrace_free_filter(&hold->ops);
}

static inline int takeover_compat_direct_start(struct takeover_compat_direct *direct, unsigned long site,
					       unsigned long target)
{
	return ftrace_set_filter_ip(&direct->ops, site, 0, 0) ?: register_ftrace_direct(&direct->ops, target);
}

static inline void takeover_compat_direct_stop(struct takeover_compat_direct *direct, unsigned long site,
					       unsigned long target)
{
	unregister_ftrace_direct(&direct->ops, target, true);
}

#else

struct takeover_compat_direct {
};

struct takeover_compat_hold {
};

/* Direct calls are permanent users of ftrace themselves. */
static inline int takeover_compat_hold_ftrace(struct takeover_compat_hold *hold, void *site)
{
	return 0;
}

static inline void takeover_compat_release_ftrace(struct takeover_compat_hold *hold)
{
}

static inline int takeover_compat_direct_start(struct takeover_compat_direct *direct, unsigned long site,
					       unsigned long target)
{
	return register_ftrace_direct(site, target);
}

static inline void takeover_compat_direct_stop(struct takeover_compat_direct *direct, unsigned long site,
					       unsigned long target)
{
	unregister_ftrace_direct(site, target);
}

#endif

#endif
