#ifndef HOMESERVER_NET_CLAMD_H
#define HOMESERVER_NET_CLAMD_H

#include "homeserver/base/error.h"

struct arena;

/*
 * The ClamAV daemon, by the commands INSTREAM and VERSION of clamd(8). `address` is the path of its
 * socket, or host:port
 * (config_check() saw to the form). Each call is one connection; a thread waits for the answer,
 * some minutes at most.
 */

/* Looks at a file from its start (the position in it does not move). `virus_out` is the name of
 * what was found, NULL for nothing. E_UNAVAILABLE when nobody answers or the file was not looked
 * at: the text says why. */
enum errcode clamd_scan(struct arena *arena, const char *address, int fd, struct error *error,
                        const char **virus_out) MUST_CHECK;

/* The version of the program and of its signatures, one text. */
enum errcode clamd_version(struct arena *arena, const char *address, struct error *error,
                           const char **version_out) MUST_CHECK;

#endif
