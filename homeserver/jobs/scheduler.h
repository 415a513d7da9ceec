#ifndef HOMESERVER_JOBS_SCHEDULER_H
#define HOMESERVER_JOBS_SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"

/*
 * What is done regularly: one thread, one database connection, a table of jobs (job_table.c). Jobs
 * run one after the other and on every node, so each must be short, bounded, and harmless when two
 * nodes do it at once. What must run in one place only takes a lock of its own.
 */
struct job {
    const char *name;
    int64_t interval_ms;
    enum errcode (*run)(struct call *call);
};

extern const struct job jobs[];
extern const size_t job_count;

/* Starts the thread; `services` must outlive it. */
struct scheduler;
struct scheduler *scheduler_create(const struct services *services, const char *conninfo);

/* Waits for the job that is running. NULL is allowed. */
void scheduler_destroy(struct scheduler *scheduler);

#endif
