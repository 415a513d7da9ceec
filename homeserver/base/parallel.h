#ifndef HOMESERVER_BASE_PARALLEL_H
#define HOMESERVER_BASE_PARALLEL_H

#include <stddef.h>

struct arena;

/* One of many like steps that do not depend on each other. What it allocates on `arena` lives as
 * long as the caller's arena; it belongs to this thread alone. */
typedef void (*parallel_step)(void *context, struct arena *arena, size_t i);

/*
 * Runs the steps 0 to `count` - 1 on as many threads as there are processors (at most 8), and
 * returns when all are done. A few steps run on the calling thread: starting others would cost
 * more. Threads that can not be started are done without.
 */
void parallel_run(struct arena *arena, size_t count, parallel_step step, void *context);

#endif
