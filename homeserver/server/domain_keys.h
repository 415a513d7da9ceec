#ifndef HOMESERVER_SERVER_DOMAIN_KEYS_H
#define HOMESERVER_SERVER_DOMAIN_KEYS_H

#include "homeserver/base/error.h"

struct arena;
struct config;
struct domain_key;

/* Reads the signing key of every hosted domain; as many as there are domains. `error` names the
 * file and says what to do. */
enum errcode domain_keys_read(struct arena *arena, const struct config *config, struct error *error,
                              struct domain_key **out) MUST_CHECK;

#endif
