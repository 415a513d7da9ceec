#ifndef STORAGE_THREEPID_BINDINGS_H
#define STORAGE_THREEPID_BINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Addresses that users bound on identity servers, so that they can be unbound there. */
struct threepid_binding {
    const char *medium;
    const char *address;
    const char *id_server;
};

/* Harmless when it is known. */
enum errcode threepid_binding_insert(struct db *db, int64_t user_nid,
                                     const struct threepid_binding *binding) MUST_CHECK;
enum errcode threepid_binding_delete(struct db *db, int64_t user_nid,
                                     const struct threepid_binding *binding) MUST_CHECK;

/* In order of medium, address and server. */
enum errcode threepid_bindings_load(struct db *db, struct arena *arena, int64_t user_nid,
                                    const struct threepid_binding **out,
                                    size_t *count_out) MUST_CHECK;

#endif
