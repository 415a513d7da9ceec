#ifndef STORAGE_FEDERATION_INBOX_H
#define STORAGE_FEDERATION_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/*
 * Events that other servers sent and that we have acknowledged: one queue per room, in the order of
 * arrival. A row goes when its event has met its fate, so a crash repeats at most what was under
 * way, and repeating does no harm.
 */
struct inbox_pdu {
    int64_t inbox_nid;
    const char *origin;
    const char *room_id;
    const char *json; /* as it came */
    size_t json_size;
    int64_t received_ts;
};

/* One transaction: its events and the answer to it, committed together. */
struct inbox_transaction {
    const char *origin;
    const char *txn_id;
    const char *answer; /* JSON text */
    int64_t received_ts;
    const struct inbox_pdu *pdus; /* room_id and json are read */
    size_t count;
};
/* E_CONFLICT when the transaction is known already. */
enum errcode inbox_add(struct db *db, const struct inbox_transaction *transaction) MUST_CHECK;

/* What was answered to this transaction; NULL when it is new. */
enum errcode inbox_find_answer(struct db *db, struct arena *arena, const char *origin,
                               const char *txn_id, const char **out) MUST_CHECK;

/* The oldest of a room's queue. */
enum errcode inbox_load(struct db *db, struct arena *arena, const char *room_id, int64_t limit,
                        struct inbox_pdu **out, size_t *count_out) MUST_CHECK;
enum errcode inbox_remove(struct db *db, const int64_t *inbox_nids, size_t count) MUST_CHECK;

/* Rooms in which something waits. */
enum errcode inbox_rooms(struct db *db, struct arena *arena, const char ***out,
                         size_t *count_out) MUST_CHECK;
/* How many events wait for this room. */
enum errcode inbox_count(struct db *db, struct arena *arena, const char *room_id,
                         int64_t *out) MUST_CHECK;

/* One process at a time works on a room's queue: a lock of this session, so that a process that
 * dies lets go of it. False when another one has it. */
enum errcode inbox_lock_room(struct db *db, struct arena *arena, const char *room_id,
                             bool *out) MUST_CHECK;
enum errcode inbox_unlock_room(struct db *db, const char *room_id) MUST_CHECK;

/* Forgets transactions received before that time. */
enum errcode inbox_expire_transactions(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
