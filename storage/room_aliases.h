#ifndef STORAGE_ROOM_ALIASES_H
#define STORAGE_ROOM_ALIASES_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

struct journal_entry;

struct room_alias {
    const char *alias;
    int64_t room_nid;
    const char *room_id;
    int64_t creator_nid;
};

/* M_NOT_FOUND when no room of ours has this alias. */
enum errcode room_alias_load(struct db *db, struct arena *arena, const char *alias,
                             struct room_alias *out) MUST_CHECK;

/* The aliases of a room, sorted. */
enum errcode room_aliases_of_room(struct db *db, struct arena *arena, int64_t room_nid,
                                  const char ***out, size_t *count_out) MUST_CHECK;

/* M_ROOM_IN_USE when the alias is taken. */
enum errcode room_alias_create(struct db *db, const struct room_alias *alias,
                               int64_t now_ms) MUST_CHECK;

/* The same as part of a journal entry: a taken alias is E_CONFLICT at the commit. */
void room_alias_create_in(struct journal_entry *entry, const struct room_alias *alias,
                          int64_t now_ms);

/* M_NOT_FOUND when there was none. */
enum errcode room_alias_delete(struct db *db, const char *alias) MUST_CHECK;

/* Gives all aliases of a room to another (a room upgrade). */
void room_aliases_move_in(struct journal_entry *entry, int64_t from_room_nid, int64_t to_room_nid);

#endif
