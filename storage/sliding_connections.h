#ifndef STORAGE_SLIDING_CONNECTIONS_H
#define STORAGE_SLIDING_CONNECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/*
 * What sliding sync connections have told their clients. A connection keeps the memory of the
 * answer that its client has for sure and that of the answer after it, so a client whose connection
 * broke may ask again. Written straight to the database: only this device ever reads it.
 */
enum {
    SLIDING_CONNECTIONS_PER_DEVICE = 10, /* the one used longest ago goes */
};

struct sliding_connection_key {
    int64_t user_nid;
    const char *device_id;
    const char *conn_id;
};

struct sliding_memory_key {
    int64_t connection_nid;
    int64_t serial;
};

/* M_NOT_FOUND when the connection is not this device's, or the memory is gone. */
enum errcode sliding_memory_load(struct db *db, struct arena *arena,
                                 const struct sliding_connection_key *connection,
                                 const struct sliding_memory_key *key, const char **bytes_out,
                                 size_t *size_out) MUST_CHECK;

/* Notes that the connection is in use, if that was not noted for an hour. */
enum errcode sliding_connection_touch(struct db *db, int64_t connection_nid,
                                      int64_t now_ms) MUST_CHECK;

/* Stores the memory of a new answer beside `kept_serial` (0: none); all others are forgotten. */
struct sliding_memory_draft {
    struct sliding_connection_key connection;
    int64_t kept_serial;
    int64_t now_ms;
    const char *bytes;
    size_t size;
};
enum errcode sliding_memory_save(struct db *db, struct arena *arena,
                                 const struct sliding_memory_draft *draft,
                                 struct sliding_memory_key *out) MUST_CHECK;

/* Ends connections that were not used since `before_ts`. */
enum errcode sliding_connections_expire(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
