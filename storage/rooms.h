#ifndef STORAGE_ROOMS_H
#define STORAGE_ROOMS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/events.h"

struct journal_entry;

struct stored_room {
    int64_t room_nid;
    const char *room_id;
    const char *room_version;
    struct stored_head head;
};

/* With the committed head. M_NOT_FOUND when the room is not known, or deleted. */
enum errcode room_load(struct db *db, struct arena *arena, const char *room_id,
                       struct stored_room *out) MUST_CHECK;
enum errcode room_load_by_nid(struct db *db, struct arena *arena, int64_t room_nid,
                              struct stored_room *out) MUST_CHECK;

/* Adds to a journal entry: the room and an empty head of version 0. E_CONFLICT at the commit when a
 * room with this ID exists. */
void room_create_in(struct journal_entry *entry, int64_t room_nid, const char *room_id,
                    const char *room_version, int64_t now_ms);

/* The room IDs of `nids`, in the same order; NULL where there is none. */
enum errcode room_ids_load(struct db *db, struct arena *arena, const int64_t *nids, size_t count,
                           const char ***out) MUST_CHECK;

/* Positions of the newest event of each room, in the same order; 0 where there is none. */
enum errcode room_last_positions(struct db *db, struct arena *arena, const int64_t *nids,
                                 size_t count, int64_t **out) MUST_CHECK;

#endif
