#ifndef HOMESERVER_BASE_THREAD_POOL_H
#define HOMESERVER_BASE_THREAD_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/compiler.h"

/*
 * A fixed number of threads that work on one bounded queue, in the order of arrival. Each thread
 * has a state of its own (a database connection, say), made and released on that thread.
 */
struct thread_pool;

/* `thread_state` is what the pool's `thread_start` returned on this thread. */
typedef void (*thread_pool_task)(void *thread_state, void *argument);

struct thread_pool_options {
    const char *name; /* of the threads, at most 15 characters */
    size_t threads;
    size_t queue_max;                     /* tasks that may wait */
    void *(*thread_start)(void *context); /* may be NULL: then the state is NULL */
    void (*thread_stop)(void *thread_state);
    void *context; /* for thread_start */
};

/* NULL when the threads can not be started. `options` is copied. */
struct thread_pool *thread_pool_create(const struct thread_pool_options *options);

/* Runs what is queued, then ends the threads. NULL is allowed. */
void thread_pool_destroy(struct thread_pool *pool);

/* False when the queue is full: the caller sheds the load. */
bool thread_pool_submit(struct thread_pool *pool, thread_pool_task task, void *argument) MUST_CHECK;

/* Queues although the queue is full: for the next step of work that was admitted before, which
 * would be lost otherwise. */
void thread_pool_continue(struct thread_pool *pool, thread_pool_task task, void *argument);

/* Tasks that wait now. */
size_t thread_pool_waiting(struct thread_pool *pool);

#endif
