/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <linux/list.h>

struct work_struct {
	void (*func)(struct work_struct *work);
	struct list_head link;
	bool pending;
	bool running;
};

struct workqueue_struct;

#define WQ_MEM_RECLAIM 1
#define WQ_UNBOUND 2

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);

static inline void shim_work_init(struct work_struct *work, void (*func)(struct work_struct *))
{
	*work = (struct work_struct){ .func = func };
}
#define INIT_WORK(work, func) shim_work_init(work, func)

#endif
