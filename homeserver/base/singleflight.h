#ifndef HOMESERVER_BASE_SINGLEFLIGHT_H
#define HOMESERVER_BASE_SINGLEFLIGHT_H

#include <stdbool.h>

#include "homeserver/base/error.h"

/*
 * Collapses identical work that several threads want at the same time (fetching a key, a remote
 * file): the first does it, the others wait for its outcome. The result itself goes where the work
 * puts it (a cache, the database), and whoever waited looks there. Thread-safe.
 */
struct singleflight;

struct singleflight *singleflight_create(void);
/* Nobody may be inside. NULL is allowed. */
void singleflight_destroy(struct singleflight *flights);

/* Runs work(context) on this thread, or waits for the thread that does the work for this key, and
 * returns its outcome. `was_first_out` (may be NULL) tells which. The work must not call this again
 * with the same key. */
enum errcode singleflight_run(struct singleflight *flights, const char *key,
                              enum errcode (*work)(void *context), void *context,
                              bool *was_first_out) MUST_CHECK;

#endif
