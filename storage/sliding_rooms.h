#ifndef STORAGE_SLIDING_ROOMS_H
#define STORAGE_SLIDING_ROOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

/* What lists of rooms are sorted and filtered by. Texts are NULL when the room has none. */
struct listed_room {
    int64_t room_nid;
    const char *room_id;
    int64_t last_position; /* of the newest event; 0: nobody here was ever in the room */
    bool is_encrypted;
    const char *room_type;
    const char *name;
    const char *avatar_url;
};

/* Those that exist, ordered by room_nid; deleted rooms do not. */
enum errcode listed_rooms_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                               struct listed_room **out, size_t *count_out) MUST_CHECK;

/* The position of the newest event of each room that people see as activity (EVENT_BUMPS), in the
 * same order; 0 when none of the last few hundred events is one. */
enum errcode room_bumps_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                             int64_t until, int64_t **out) MUST_CHECK;

#endif
