#ifndef HOMESERVER_BASE_SINGLEFLIGHT_H
#define HOMESERVER_BASE_SINGLEFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

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

/* The same in steps, for who works on several keys at once. singleflight_begin() is true when
 * nobody else does: then singleflight_end() must follow. Who got false may wait for the end, but
 * only after the end of all that is its own: so nobody waits in a circle. */
bool singleflight_begin(struct singleflight *flights, const char *key) MUST_CHECK;
void singleflight_end(struct singleflight *flights, const char *key);
/* Until nobody is at work on the key, but no longer than to `until_ms` (monotonic clock). */
void singleflight_wait(struct singleflight *flights, const char *key, int64_t until_ms);

#endif
