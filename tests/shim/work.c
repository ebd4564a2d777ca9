// SPDX-License-Identifier: GPL-2.0
/* Work queues: pumped by the test, or with threads of their own. */
#include <pthread.h>
#include "shim.h"

#define MAX_THREADS 4

struct workqueue_struct {
	struct list_head works;
	pthread_t thread[MAX_THREADS];
	unsigned int nr_threads;
	bool stop;
};

static pthread_mutex_t work_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_cond = PTHREAD_COND_INITIALIZER;
static unsigned int threads_wanted;
/* The one queue that is pumped. */
static struct workqueue_struct *pumped;

void shim_work_threads(unsigned int nr)
{
	check(nr <= MAX_THREADS);
	threads_wanted = nr;
}

static struct work_struct *work_next(struct workqueue_struct *wq)
{
	struct work_struct *work;

	list_for_each_entry(work, &wq->works, link)
		if (!work->running)
			return work;
	return NULL;
}

/* Runs @work with work_mutex dropped. */
static void work_run(struct work_struct *work)
{
	list_del(&work->link);
	work->pending = false;
	work->running = true;
	pthread_mutex_unlock(&work_mutex);
	work->func(work);
	pthread_mutex_lock(&work_mutex);
	work->running = false;
	pthread_cond_broadcast(&work_cond);
}

static void *work_thread(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct work_struct *work;

	shim_cpu_set(SHIM_NR_CPUS - 2);
	pthread_mutex_lock(&work_mutex);
	while (!wq->stop || !list_empty(&wq->works)) {
		work = work_next(wq);
		if (work)
			work_run(work);
		else
			pthread_cond_wait(&work_cond, &work_mutex);
	}
	pthread_mutex_unlock(&work_mutex);
	return NULL;
}

unsigned int shim_work_pump(void)
{
	struct work_struct *work;
	unsigned int nr = 0;

	pthread_mutex_lock(&work_mutex);
	while (pumped && (work = work_next(pumped))) {
		work_run(work);
		nr++;
	}
	pthread_mutex_unlock(&work_mutex);
	return nr;
}

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = shim_alloc(sizeof(*wq), GFP_KERNEL | __GFP_ZERO);

	(void)name;
	(void)flags;
	(void)max_active;
	if (!wq)
		return NULL;
	INIT_LIST_HEAD(&wq->works);
	pumped = wq;
	for (; wq->nr_threads < threads_wanted; wq->nr_threads++)
		check(!pthread_create(&wq->thread[wq->nr_threads], NULL, work_thread, wq));
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	unsigned int i;

	might_sleep();
	shim_work_pump();
	pthread_mutex_lock(&work_mutex);
	wq->stop = true;
	pthread_cond_broadcast(&work_cond);
	pthread_mutex_unlock(&work_mutex);
	for (i = 0; i < wq->nr_threads; i++)
		pthread_join(wq->thread[i], NULL);
	if (pumped == wq)
		pumped = NULL;
	shim_free(wq);
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	pthread_mutex_lock(&work_mutex);
	queued = !work->pending;
	if (queued) {
		work->pending = true;
		list_add_tail(&work->link, &wq->works);
		pthread_cond_broadcast(&work_cond);
	}
	pthread_mutex_unlock(&work_mutex);
	return queued;
}

bool cancel_work_sync(struct work_struct *work)
{
	bool was;

	might_sleep();
	pthread_mutex_lock(&work_mutex);
	was = work->pending;
	if (was)
		list_del(&work->link);
	work->pending = false;
	while (work->running)
		pthread_cond_wait(&work_cond, &work_mutex);
	pthread_mutex_unlock(&work_mutex);
	return was;
}
