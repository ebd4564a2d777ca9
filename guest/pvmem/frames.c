// SPDX-License-Identifier: GPL-2.0
/* Which page frames are pinned and idle: for the host, which sees pins and not whose they are. */
#include <linux/nodemask.h>
#include "core.h"

static void pvmem_node_frames(struct pvmem_ptpool_node *node, struct pvmem_frames *frames)
{
	struct page *page;

	spin_lock(&node->lock);
	list_for_each_entry(page, &node->ready, lru)
		pvmem_frames_add(frames, page);
	list_for_each_entry(page, &node->used, lru)
		pvmem_frames_add(frames, page);
	list_for_each_entry(page, &node->dirty, lru)
		pvmem_frames_add(frames, page);
	spin_unlock(&node->lock);
}

/**
 * pvmem_ptpool_frames() - which page frames are pinned and in no page table
 * @pv: the instance.
 * @frames: filled with those of the pool and the backend's spare tables.
 *
 * Context: process; takes each lock of the pool by itself, so pages that move
 * meanwhile may be missed or come twice.
 */
void pvmem_ptpool_frames(struct pvmem *pv, struct pvmem_frames *frames)
{
	unsigned int i;
	int cpu, node;

	if (pv->ops->idle)
		pv->ops->idle(pv, frames);
	for_each_possible_cpu(cpu) {
		struct pvmem_ptpool_cpu *front = per_cpu_ptr(pv->pool.cpus, cpu);

		spin_lock(&front->lock);
		for (i = 0; i < front->nr; i++)
			pvmem_frames_add(frames, front->page[i]);
		spin_unlock(&front->lock);
	}
	for_each_node_state(node, N_MEMORY)
		pvmem_node_frames(&pv->pool.nodes[node], frames);
}
