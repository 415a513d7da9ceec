#ifndef HOMESERVER_CLI_DATA_DIRECTORY_H
#define HOMESERVER_CLI_DATA_DIRECTORY_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct arena;
struct config;

/* Makes the data directory and its parents when they are missing. */
enum errcode data_directory_create(const struct config *config, struct error *error) MUST_CHECK;

/*
 * On the very first start of an installation with an embedded database (there is nothing in the
 * data directory yet) signing keys are made, so that `serve` needs no preparation. Later a missing
 * key is never replaced: it was lost or is not mounted, and a new one would make this server a
 * stranger to all others.
 */
enum errcode data_directory_prepare(struct arena *arena, const struct config *config,
                                    struct error *error) MUST_CHECK;

#endif
