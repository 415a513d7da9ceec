#ifndef STORAGE_DB_POOL_H
#define STORAGE_DB_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct db;

/*
 * A bounded set of connections that threads borrow. Connections are made when first used, and the
 * one returned last is lent first, so that a quiet server keeps few sessions busy.
 *
 *     SCOPED(db_lease_end) struct db_lease lease = {0};
 *     TRY(db_pool_lend(pool, 2000, &lease));
 *     … lease.db …
 *
 * A lease is never held while waiting for a client or another server.
 */
struct db_pool;

struct db_lease {
    struct db_pool *pool;
    struct db *db;
};

/* `conninfo` as for db_create(). Never fails. */
struct db_pool *db_pool_create(const char *conninfo, size_t size);

/* All leases must have ended. */
void db_pool_destroy(struct db_pool *pool);

/* E_UNAVAILABLE when no connection becomes free within `wait_ms`. */
enum errcode db_pool_lend(struct db_pool *pool, int64_t wait_ms, struct db_lease *out) MUST_CHECK;

/* Ends a lease; a zeroed one is allowed. The connection must not be in a transaction. */
void db_lease_end(struct db_lease *lease);

/* For metrics. The totals only grow. */
struct db_pool_stats {
    size_t size;
    size_t lent;
    size_t waiting;
    int64_t lent_total;
    int64_t refused_total;   /* nobody returned a connection in time */
    int64_t waited_us_total; /* time spent waiting for a connection */
};
struct db_pool_stats db_pool_stats(struct db_pool *pool);

#endif
