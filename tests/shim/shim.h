/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel that guest/pvmem/{*.c} runs on in unit tests: what a test can turn
 * and read. The kernel's side is in linux/ and asm/ next to this file.
 *
 * A thread is a task, and runs on one of SHIM_NR_CPUS CPUs: preempt_disable()
 * takes that CPU's mutex, so tasks may share and change CPUs. Spinlocks and
 * mutexes are pthread mutexes, so TSan sees what they order. Functions that may
 * sleep end the test when preemption is off.
 */
#ifndef SHIM_H
#define SHIM_H

#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>

/* Ends the test: prints where and why, and aborts. */
void shim_die(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));
#define die(...) shim_die(__FILE__, __LINE__, __VA_ARGS__)
#define check(cond) ((cond) ? (void)0 : die("not true: %s", #cond))

/* What the test is at, for shim_die() to say. */
void shim_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* CPUs. With migration on, a task may change its CPU whenever it can be preempted. */
void shim_cpu_set(int cpu);
void shim_migrate(bool on, unsigned int seed);
/* No task runs on @cpu until it is online again; only the last CPU can go. */
void shim_cpu_offline(int cpu);
void shim_cpu_online(int cpu);

/* Works queued run in shim_work_pump(), or on threads of a queue allocated after this. */
void shim_work_threads(unsigned int nr);
unsigned int shim_work_pump(void);

/* Warnings that a test expects; the rest end it. */
extern int shim_warnings_expected;

/*
 * Allocation failures: the @nth from now on (0: none), and all after it too, if
 * @more. Those that may not reclaim fail always while shim_fail_atomic is set,
 * and one in shim_fail_one_in at random when that is not 0.
 */
void shim_fail_alloc(unsigned long nth, bool more);
bool shim_fail_alloc_hit(void);
extern bool shim_fail_atomic;
extern unsigned int shim_fail_one_in;

/* alloc_pages() for the test itself: does not fail. */
struct page *shim_pages(gfp_t gfp, unsigned int order);

/* Called for each allocation but those of pages. */
extern void (*shim_alloc_hook)(gfp_t gfp);

/* Outstanding allocations of every kind, and of pages. */
long shim_allocated(void);
long shim_pages_allocated(void);

/* Called for each page that becomes free or is allocated. */
extern void (*shim_page_hook)(struct page *page, bool freed);

/* The vmalloc area: its page tables by number, NULL where nothing was reserved. */
#define SHIM_VMALLOC_START 0xffffc90000000000ul
#define SHIM_NR_TABLES 1024
pte_t *shim_table_get(unsigned int index);
pte_t *shim_table_replace(unsigned int index, pte_t *ptes);
pte_t *shim_table_alloc(void);
void shim_table_free(pte_t *ptes);
/* Called in vunmap(), after the entries are cleared: the kernel flushes. */
extern void (*shim_vunmap_hook)(void);
/* Called when vmap() makes a page table, and when the last area is gone. */
extern void (*shim_table_hook)(bool made);
void shim_vmap_misalign(unsigned int pages);

#endif
