/* Summaries of rooms: the row that directories, previews and hierarchies are made of. */
#include "storage/room_summaries.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define FROM_SUMMARIES "  FROM room_summaries s JOIN rooms r USING (room_nid) "

enum {
    SET_NAME = SUMMARY_NAME,
    SET_TOPIC = SUMMARY_TOPIC,
    SET_CANONICAL_ALIAS = SUMMARY_CANONICAL_ALIAS,
    SET_AVATAR_URL = SUMMARY_AVATAR_URL,
    SET_HISTORY_VISIBILITY = SUMMARY_HISTORY_VISIBILITY,
    SET_GUEST_ACCESS = SUMMARY_GUEST_ACCESS,
    SET_ENCRYPTION = SUMMARY_ENCRYPTION,
    SET_JOIN_RULE,
    CREATE,
    COUNT_CHANGE,
    RECOUNT,
    PUBLISH,
    PUBLISH_ON_NETWORK,
    BY_NIDS,
    BY_IDS
};

static const struct db_statement statements[] = {
    [SET_NAME] = {"room_summary_set_name", "UPDATE room_summaries SET name = $2, name_folded = $3 "
                                           " WHERE room_nid = $1"},

    [SET_TOPIC] = {"room_summary_set_topic",
                   "UPDATE room_summaries SET topic = $2, topic_folded = $3 "
                   " WHERE room_nid = $1"},

    [SET_CANONICAL_ALIAS] = {"room_summary_set_canonical_alias",
                             "UPDATE room_summaries "
                             "   SET canonical_alias = $2, canonical_alias_folded = $3 "
                             " WHERE room_nid = $1"},

    [SET_AVATAR_URL] = {"room_summary_set_avatar_url", "UPDATE room_summaries SET avatar_url = $2 "
                                                       " WHERE room_nid = $1"},

    [SET_HISTORY_VISIBILITY] = {"room_summary_set_history_visibility",
                                "UPDATE room_summaries SET history_visibility = $2 "
                                " WHERE room_nid = $1"},

    [SET_GUEST_ACCESS] = {"room_summary_set_guest_access",
                          "UPDATE room_summaries SET guest_access = $2 "
                          " WHERE room_nid = $1"},

    [SET_ENCRYPTION] = {"room_summary_set_encryption", "UPDATE room_summaries SET encryption = $2 "
                                                       " WHERE room_nid = $1"},

    [SET_JOIN_RULE] = {"room_summary_set_join_rule",
                       "UPDATE room_summaries SET join_rule = $2, allowed_rooms = $3 "
                       " WHERE room_nid = $1"},

    [CREATE] = {"room_summary_create", "INSERT INTO room_summaries (room_nid, room_type) "
                                       "VALUES ($1, $2) "
                                       "    ON CONFLICT (room_nid) DO UPDATE "
                                       "   SET room_type = EXCLUDED.room_type"},

    [COUNT_CHANGE] = {"room_summary_count_change",
                      "UPDATE room_summaries s "
                      "   SET joined_members = s.joined_members + ($3::bigint = 2)::int "
                      "           - (coalesce(m.membership, 0) = 2)::int, "
                      "       invited_members = s.invited_members + ($3::bigint = 1)::int "
                      "           - (coalesce(m.membership, 0) = 1)::int "
                      "  FROM (SELECT max(membership) AS membership FROM memberships "
                      "         WHERE room_nid = $1 AND user_nid = $2) m "
                      " WHERE s.room_nid = $1 AND m.membership IS DISTINCT FROM $3"},

    [RECOUNT] = {"room_summary_recount",
                 "UPDATE room_summaries s "
                 "   SET joined_members = m.joined, invited_members = m.invited "
                 "  FROM (SELECT count(*) FILTER (WHERE membership = 2) AS joined, "
                 "               count(*) FILTER (WHERE membership = 1) AS invited "
                 "          FROM memberships WHERE room_nid = $1) m "
                 " WHERE s.room_nid = $1"},

    [PUBLISH] = {"room_summary_publish", "UPDATE room_summaries SET is_published = $2 "
                                         " WHERE room_nid = $1 AND is_published <> $2"},

    [PUBLISH_ON_NETWORK] = {"room_summary_publish_on_network",
                            "UPDATE room_summaries SET networks = CASE WHEN $3::boolean "
                            "       THEN array_append(array_remove(networks, $2), $2) "
                            "       ELSE array_remove(networks, $2) END "
                            " WHERE room_nid = $1"},

    [BY_NIDS] = {"room_summaries_by_nids", "SELECT " ROOM_SUMMARY_COLUMNS FROM_SUMMARIES
                                           " WHERE s.room_nid = ANY($1) AND NOT r.is_deleted"},

    [BY_IDS] = {"room_summaries_by_ids", "SELECT " ROOM_SUMMARY_COLUMNS FROM_SUMMARIES
                                         " WHERE r.room_id = ANY($1) AND NOT r.is_deleted"},
};

STATEMENT_TABLE(room_summaries, statements);

void room_summary_read(struct db_rows *rows, size_t row, struct arena *arena,
                       struct room_summary *out)
{
    *out = (struct room_summary){
        .room_nid = rows_int(rows, row, 0),
        .room_id = rows_text(rows, row, 1),
        .room_version = rows_text(rows, row, 2),
        .is_published = rows_bool(rows, row, 3),
        .joined_members = rows_int(rows, row, 4),
        .invited_members = rows_int(rows, row, 5),
        .name = rows_text(rows, row, 6),
        .topic = rows_text(rows, row, 7),
        .canonical_alias = rows_text(rows, row, 8),
        .avatar_url = rows_text(rows, row, 9),
        .join_rule = rows_text(rows, row, 10),
        .history_visibility = rows_text(rows, row, 11),
        .guest_access = rows_text(rows, row, 12),
        .encryption = rows_text(rows, row, 13),
        .room_type = rows_text(rows, row, 14),
    };
    out->allowed_rooms = rows_text_array(rows, row, 15, arena, &out->allowed_room_count);
}

static void read_rows(struct db_rows *rows, struct arena *arena, struct room_summary **out,
                      size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct room_summary);
    for (size_t i = 0; i < *count_out; i++)
        room_summary_read(rows, i, arena, &(*out)[i]);
}

enum errcode room_summaries_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                                 struct room_summary **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_NIDS],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count)), &rows));
    read_rows(rows, arena, out, count_out);
    return OK;
}

enum errcode room_summaries_load_by_ids(struct db *db, struct arena *arena,
                                        const char *const *room_ids, size_t count,
                                        struct room_summary **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_IDS], PARAMS(TEXT_ARRAY(room_ids, count)), &rows));
    read_rows(rows, arena, out, count_out);
    return OK;
}

void room_summary_create_in(struct journal_entry *entry, int64_t room_nid, const char *room_type)
{
    journal_entry_add(entry, &statements[CREATE], PARAMS(INT(room_nid), TEXT(room_type)));
}

void room_summary_set_in(struct journal_entry *entry, int64_t room_nid, enum room_summary_text text,
                         const char *value, const char *folded)
{
    const struct db_statement *statement = &statements[text];

    if (text <= SUMMARY_CANONICAL_ALIAS)
        journal_entry_add(entry, statement, PARAMS(INT(room_nid), TEXT(value), TEXT(folded)));
    else
        journal_entry_add(entry, statement, PARAMS(INT(room_nid), TEXT(value)));
}

void room_summary_set_join_rule_in(struct journal_entry *entry, int64_t room_nid,
                                   const char *join_rule, const char *const *allowed_rooms,
                                   size_t allowed_room_count)
{
    journal_entry_add(
        entry, &statements[SET_JOIN_RULE],
        PARAMS(INT(room_nid), TEXT(join_rule), TEXT_ARRAY(allowed_rooms, allowed_room_count)));
}

void room_summary_count_in(struct journal_entry *entry, int64_t room_nid, int64_t user_nid,
                           enum stored_membership membership)
{
    journal_entry_add(entry, &statements[COUNT_CHANGE],
                      PARAMS(INT(room_nid), INT(user_nid), INT(membership)));
}

void room_summary_recount_in(struct journal_entry *entry, int64_t room_nid)
{
    journal_entry_add(entry, &statements[RECOUNT], PARAMS(INT(room_nid)));
}

enum errcode room_publish(struct db *db, int64_t room_nid, bool listed)
{
    return db_execute(db, &statements[PUBLISH], PARAMS(INT(room_nid), BOOL(listed)), NULL);
}

enum errcode room_publish_on_network(struct db *db, int64_t room_nid, const char *instance_id,
                                     bool listed)
{
    return db_execute(db, &statements[PUBLISH_ON_NETWORK],
                      PARAMS(INT(room_nid), TEXT(instance_id), BOOL(listed)), NULL);
}

void room_publish_in(struct journal_entry *entry, int64_t room_nid, bool listed)
{
    journal_entry_add(entry, &statements[PUBLISH], PARAMS(INT(room_nid), BOOL(listed)));
}
