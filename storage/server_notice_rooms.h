#ifndef STORAGE_SERVER_NOTICE_ROOMS_H
#define STORAGE_SERVER_NOTICE_ROOMS_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* The one room in which the server speaks to a user. */

/* M_NOT_FOUND when there is none yet. */
enum errcode server_notice_room_load(struct db *db, struct arena *arena, int64_t user_nid,
                                     int64_t *room_nid_out) MUST_CHECK;

/* Replaces the one before. */
enum errcode server_notice_room_set(struct db *db, int64_t user_nid, int64_t room_nid) MUST_CHECK;

#endif
