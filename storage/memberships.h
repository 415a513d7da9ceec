#ifndef STORAGE_MEMBERSHIPS_H
#define STORAGE_MEMBERSHIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* How memberships are stored; the numbers are in the database. */
enum stored_membership {
    STORED_INVITE = 1,
    STORED_JOIN = 2,
    STORED_LEAVE = 3,
    STORED_BAN = 4,
    STORED_KNOCK = 5,
};

/* 0 for a text that is none of the five. */
enum stored_membership membership_from_text(const char *text);
const char *membership_to_text(enum stored_membership membership);

struct membership_row {
    int64_t room_nid;
    int64_t user_nid;
    enum stored_membership membership;
    bool is_local;
    bool is_forgotten;
    int64_t event_nid; /* the member event; 0 when only an invite told us */
    int64_t sender_nid;
    int64_t position;           /* of that event */
    int64_t last_join_position; /* of the newest join; 0: never joined. Not for membership_set_in */
    const char *stripped_state; /* JSON array text of an invite or a knock; NULL otherwise */
    size_t stripped_state_size;
};

/* Adds to the member event's journal entry; the position is the entry's. */
void membership_set_in(struct journal_entry *entry, const struct membership_row *row);

/* Ends an invite or a knock that was loaded as `row`, which says now what became of it. Nothing
 * happens when it was replaced meanwhile, as a knock is by the next one. */
void membership_end_in(struct journal_entry *entry, const struct membership_row *row);

/* The same as membership_set_in() for many users of one room, each once; without stripped state.
 * `position` may be JOURNAL_POSITION_MARK. */
void memberships_set_many_in(struct journal_entry *entry, int64_t room_nid, int64_t position,
                             const struct membership_row *rows, size_t count);

/* Adds to a journal entry: whoever of other servers was said to be in the room, or to come, before
 * this position and not since then is gone. For when the whole of the state was written with it. */
void memberships_drop_older_in(struct journal_entry *entry, int64_t room_nid, int64_t before);

/* M_NOT_FOUND when the user never had to do with the room. */
enum errcode membership_load(struct db *db, struct arena *arena, int64_t room_nid, int64_t user_nid,
                             struct membership_row *out) MUST_CHECK;

/* All rooms of a user; forgotten ones only when asked for. Without stripped state. */
enum errcode memberships_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                 bool with_forgotten, struct membership_row **out,
                                 size_t *count_out) MUST_CHECK;

/* user_nids with this membership in the room; only local users when asked. */
enum errcode memberships_of_room(struct db *db, struct arena *arena, int64_t room_nid,
                                 enum stored_membership membership, bool only_local,
                                 struct nid_list *user_nids_out) MUST_CHECK;

/* Joined guests of this server. */
enum errcode memberships_guests(struct db *db, struct arena *arena, int64_t room_nid,
                                struct nid_list *user_nids_out) MUST_CHECK;

struct member_counts {
    int64_t joined;
    int64_t invited;
};
enum errcode memberships_count(struct db *db, struct arena *arena, int64_t room_nid,
                               struct member_counts *out) MUST_CHECK;

/* For each room, up to `limit` others in it, first come first: joined or invited ones, or when
 * there are none those who left. `out` is parallel to the rooms. */
struct room_heroes {
    const char **user_ids;
    size_t count;
};
enum errcode memberships_heroes(struct db *db, struct arena *arena, struct nid_list room_nids,
                                int64_t user_nid, int64_t limit,
                                struct room_heroes *out) MUST_CHECK;

/* True when both users are joined to one room. */
enum errcode memberships_share_room(struct db *db, struct arena *arena, int64_t user_nid,
                                    int64_t other_nid, bool *out) MUST_CHECK;

/* A user's memberships in these rooms, in the same order; 0 where there is none. */
enum errcode memberships_of_user_in(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct nid_list room_nids,
                                    enum stored_membership **out) MUST_CHECK;

/* Those of the rooms that a user of this server is joined to, in no particular order. */
enum errcode memberships_joined_here(struct db *db, struct arena *arena, struct nid_list room_nids,
                                     struct nid_list *out) MUST_CHECK;

/* Those of the rooms that the user is joined to, in no particular order. */
struct joined_query {
    int64_t user_nid;
    const char *const *room_ids;
    size_t count;
};
enum errcode memberships_joined_among(struct db *db, struct arena *arena,
                                      const struct joined_query *query, const char ***out,
                                      size_t *count_out) MUST_CHECK;

/* Rooms that both users are joined to, by room_nid. */
struct mutual_query {
    int64_t user_nid;
    int64_t other_nid;
    int64_t after_room_nid;
    int64_t limit;
};
struct mutual_room {
    int64_t room_nid;
    const char *room_id;
};
enum errcode memberships_mutual(struct db *db, struct arena *arena,
                                const struct mutual_query *query, struct mutual_room **out,
                                size_t *count_out) MUST_CHECK;
enum errcode memberships_mutual_count(struct db *db, struct arena *arena, int64_t user_nid,
                                      int64_t other_nid, int64_t *out) MUST_CHECK;

/* The users of one server who have, or had, to do with the room; joined ones first. */
enum { SERVER_MEMBERS_MAX = 1000 };
struct server_member {
    const char *user_id;
    enum stored_membership membership;
    int64_t last_join_position; /* 0: never joined */
};
enum errcode memberships_of_server(struct db *db, struct arena *arena, int64_t room_nid,
                                   const char *server_name, struct server_member **out,
                                   size_t *count_out) MUST_CHECK;

/* The servers whose users are joined to the room, ours too; also those that are said to be in a
 * room whose members are not all known. */
enum errcode memberships_servers(struct db *db, struct arena *arena, int64_t room_nid,
                                 const char ***out, size_t *count_out) MUST_CHECK;

/* The user left and does not want to see the room any more (undone by the next membership). */
void membership_forget_in(struct journal_entry *entry, int64_t room_nid, int64_t user_nid);

/* User IDs of those whose membership of the room changed after `since`, in order of bytes. */
enum errcode memberships_changed(struct db *db, struct arena *arena, int64_t room_nid,
                                 int64_t since, const char ***out, size_t *count_out) MUST_CHECK;

#endif
