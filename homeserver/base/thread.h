#ifndef HOMESERVER_BASE_THREAD_H
#define HOMESERVER_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Every thread of the server is started here: `run(context)` begins with all signals blocked, for
 * they belong to the main thread, which waits for them (signals.h). A single thread that let SIGHUP
 * through would be chosen for it whenever the main thread does not wait just then, and the signal's
 * default is to end the process.
 *
 * `name` is what top and gdb show: at most 15 characters. False when the system has no thread left;
 * `*thread` means nothing then. Otherwise it must be joined.
 */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context);

#endif
