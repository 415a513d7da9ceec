#ifndef STORAGE_ROOM_SUMMARIES_H
#define STORAGE_ROOM_SUMMARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/memberships.h"
#include "storage/nids.h"

struct journal_entry;

/*
 * What may be shown of a room to those who are not in it: one row per room, changed in the journal
 * entry of the event that changes it, so that directories and previews never read room state.
 */
struct room_summary {
    int64_t room_nid;
    const char *room_id;
    const char *room_version;
    bool is_published;
    int64_t joined_members;
    int64_t invited_members;
    /* All below are NULL when the room has none. */
    const char *name;
    const char *topic;
    const char *canonical_alias;
    const char *avatar_url;
    const char *join_rule;
    const char *history_visibility;
    const char *guest_access;
    const char *encryption;
    const char *room_type;
    const char **allowed_rooms; /* whose members may join a restricted room */
    size_t allowed_room_count;
};

/* Those that exist, in no particular order; deleted rooms do not. */
enum errcode room_summaries_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                                 struct room_summary **out, size_t *count_out) MUST_CHECK;
enum errcode room_summaries_load_by_ids(struct db *db, struct arena *arena,
                                        const char *const *room_ids, size_t count,
                                        struct room_summary **out, size_t *count_out) MUST_CHECK;

/* For those who select from `room_summaries s JOIN rooms r`: the columns, and how they are read. */
#define ROOM_SUMMARY_COLUMNS                                                                       \
    "s.room_nid, r.room_id, r.room_version, s.is_published, s.joined_members, "                    \
    "s.invited_members, s.name, s.topic, s.canonical_alias, s.avatar_url, s.join_rule, "           \
    "s.history_visibility, s.guest_access, s.encryption, s.room_type, s.allowed_rooms "
void room_summary_read(struct db_rows *rows, size_t row, struct arena *arena,
                       struct room_summary *out);

/* Adds to a room's first journal entry. `room_type` may be NULL. */
void room_summary_create_in(struct journal_entry *entry, int64_t room_nid, const char *room_type);

/* The texts that state events set; NULL takes one away. The first three are searched and need the
 * case-folded form too (`folded`, NULL when the value is). */
enum room_summary_text {
    SUMMARY_NAME,
    SUMMARY_TOPIC,
    SUMMARY_CANONICAL_ALIAS,
    SUMMARY_AVATAR_URL,
    SUMMARY_HISTORY_VISIBILITY,
    SUMMARY_GUEST_ACCESS,
    SUMMARY_ENCRYPTION,
};
void room_summary_set_in(struct journal_entry *entry, int64_t room_nid, enum room_summary_text text,
                         const char *value, const char *folded);
void room_summary_set_join_rule_in(struct journal_entry *entry, int64_t room_nid,
                                   const char *join_rule, const char *const *allowed_rooms,
                                   size_t allowed_room_count);

/* Counts a change of membership. To be added before membership_set_in(): it looks at the old one.
 */
void room_summary_count_in(struct journal_entry *entry, int64_t room_nid, int64_t user_nid,
                           enum stored_membership membership);

/* Counts all members anew, after many memberships have been set in this entry. */
void room_summary_recount_in(struct journal_entry *entry, int64_t room_nid);

/* Lists a room in the public directory, or takes it out. */
enum errcode room_publish(struct db *db, int64_t room_nid, bool listed) MUST_CHECK;
void room_publish_in(struct journal_entry *entry, int64_t room_nid, bool listed);

/* The same for the directory of a network: `instance_id` is `<application service>|<network>`. */
enum errcode room_publish_on_network(struct db *db, int64_t room_nid, const char *instance_id,
                                     bool listed) MUST_CHECK;

#endif
