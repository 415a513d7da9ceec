#ifndef HOMESERVER_MEDIA_HELPER_PROCESS_H
#define HOMESERVER_MEDIA_HELPER_PROCESS_H

#include "homeserver/call.h"

/*
 * The sandboxed programs that read what strangers made: they lie beside this one, and each process
 * does one job. `arguments` (NULL-terminated) starts with the program's name.
 */
enum { HELPER_ARGUMENTS_MAX = 8 };

/* Runs it on `source` into `result` (both borrowed) and waits for its end. `status_out` is its exit
 * status, or 128 and the signal that ended it. E_SYSTEM when it can not be started; E_UNAVAILABLE
 * when too many are running. */
enum errcode helper_run(struct call *call, const char *const *arguments, int source, int result,
                        int *status_out) MUST_CHECK;

#endif
