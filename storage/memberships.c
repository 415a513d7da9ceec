/* Who is in which room, as of the newest state. */
#include "storage/memberships.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define MEMBERSHIP_COLUMNS                                                                         \
    "room_nid, user_nid, membership, is_local, is_forgotten, event_nid, sender_nid, position, "    \
    "last_join_position "

enum {
    SET,
    LOAD,
    OF_USER,
    OF_ROOM,
    COUNT,
    HEROES,
    SHARE_ROOM,
    FORGET,
    OF_USER_IN,
    JOINED_AMONG,
    JOINED_HERE,
    MUTUAL,
    MUTUAL_COUNT,
    GUESTS,
    OF_SERVER,
    SERVERS,
    SET_MANY,
    END,
    DROP_OLDER,
    CHANGED
};

static const struct db_statement statements[] = {
    [SET] = {"membership_set",
             "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
             "                         sender_nid, position, stripped_state, last_join_position, "
             "                         joined_position) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $3 = 2 THEN $7 ELSE 0 END, "
             "        CASE WHEN $3 = 2 THEN $7 ELSE 0 END) "
             "    ON CONFLICT (room_nid, user_nid) DO UPDATE "
             "   SET membership = EXCLUDED.membership, event_nid = EXCLUDED.event_nid, "
             "       sender_nid = EXCLUDED.sender_nid, position = EXCLUDED.position, "
             "       stripped_state = EXCLUDED.stripped_state, is_forgotten = false, "
             "       last_join_position = GREATEST(memberships.last_join_position, "
             "                                     EXCLUDED.last_join_position), "
             "       joined_position = CASE WHEN EXCLUDED.membership = 2 "
             "                               AND memberships.membership <> 2 "
             "                              THEN EXCLUDED.position "
             "                              ELSE memberships.joined_position END"},

    [END] = {"membership_end",
             "UPDATE memberships "
             "   SET membership = $3, sender_nid = $4, position = $5, stripped_state = $6, "
             "       is_forgotten = false "
             " WHERE room_nid = $1 AND user_nid = $2 AND position = $7"},

    [LOAD] = {"membership_load", "SELECT " MEMBERSHIP_COLUMNS ", stripped_state "
                                 "  FROM memberships "
                                 " WHERE room_nid = $1 AND user_nid = $2"},

    [OF_USER] = {"memberships_of_user", "SELECT " MEMBERSHIP_COLUMNS "  FROM memberships "
                                        " WHERE user_nid = $1 AND (NOT is_forgotten OR $2) "
                                        " ORDER BY position"},

    [OF_ROOM] = {"memberships_of_room", "SELECT user_nid FROM memberships "
                                        " WHERE room_nid = $1 AND membership = $2 "
                                        "   AND (is_local OR NOT $3) "
                                        " ORDER BY position, user_nid"},

    [COUNT] = {"memberships_count", "SELECT joined_members, invited_members FROM room_summaries "
                                    " WHERE room_nid = $1"},

    /* Of those who are there the first few; of those who were when nobody is. */
    [HEROES] = {"memberships_heroes",
                "SELECT wanted.ordinal, users.user_id "
                "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (room_nid, ordinal) "
                " CROSS JOIN LATERAL ( "
                "  WITH present AS (SELECT m.user_nid, m.position FROM memberships m "
                "                    WHERE m.room_nid = wanted.room_nid AND m.user_nid <> $2 "
                "                      AND m.membership IN (1, 2) "
                "                    ORDER BY m.position, m.user_nid LIMIT $3), "
                "       gone AS (SELECT m.user_nid, m.position FROM memberships m "
                "                 WHERE m.room_nid = wanted.room_nid AND m.user_nid <> $2 "
                "                   AND NOT EXISTS (SELECT 1 FROM present) "
                "                 ORDER BY m.position, m.user_nid LIMIT $3) "
                "  SELECT user_nid, position FROM present "
                "   UNION ALL "
                "  SELECT user_nid, position FROM gone) AS hero "
                "  JOIN users USING (user_nid) "
                " ORDER BY wanted.ordinal, hero.position, hero.user_nid"},

    [SHARE_ROOM] = {"memberships_share_room",
                    "SELECT EXISTS (SELECT 1 FROM memberships mine "
                    "                 JOIN memberships theirs USING (room_nid) "
                    "                WHERE mine.user_nid = $1 AND mine.membership = 2 "
                    "                  AND theirs.user_nid = $2 AND theirs.membership = 2)"},

    [FORGET] = {"membership_forget", "UPDATE memberships SET is_forgotten = true "
                                     " WHERE room_nid = $1 AND user_nid = $2"},

    [OF_USER_IN] = {"memberships_of_user_in",
                    "SELECT m.membership "
                    "  FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (room_nid, place) "
                    "       LEFT JOIN memberships m "
                    "              ON m.room_nid = wanted.room_nid AND m.user_nid = $1 "
                    " ORDER BY wanted.place"},

    [JOINED_AMONG] = {"memberships_joined_among",
                      "SELECT r.room_id FROM rooms r JOIN memberships m USING (room_nid) "
                      " WHERE r.room_id = ANY($2) AND NOT r.is_deleted "
                      "   AND m.user_nid = $1 AND m.membership = 2"},

    /* One row of the index per room, however many are in it. */
    [JOINED_HERE] = {"memberships_joined_here",
                     "SELECT wanted.room_nid "
                     "  FROM unnest($1::bigint[]) AS wanted (room_nid) "
                     "       CROSS JOIN LATERAL (SELECT 1 FROM memberships m "
                     "                            WHERE m.room_nid = wanted.room_nid "
                     "                              AND m.is_local AND m.membership = 2 "
                     "                            LIMIT 1) AS here"},

    [GUESTS] = {"memberships_guests",
                "SELECT m.user_nid FROM memberships m JOIN accounts a USING (user_nid) "
                " WHERE m.room_nid = $1 AND m.membership = 2 AND m.is_local AND a.is_guest "
                " ORDER BY m.user_nid"},

    [MUTUAL] = {"memberships_mutual",
                "SELECT r.room_nid, r.room_id "
                "  FROM memberships mine JOIN memberships theirs USING (room_nid) "
                "       JOIN rooms r USING (room_nid) "
                " WHERE mine.user_nid = $1 AND mine.membership = 2 "
                "   AND theirs.user_nid = $2 AND theirs.membership = 2 "
                "   AND r.room_nid > $3 AND NOT r.is_deleted "
                " ORDER BY r.room_nid "
                " LIMIT $4"},

    [MUTUAL_COUNT] = {"memberships_mutual_count",
                      "SELECT count(*) "
                      "  FROM memberships mine JOIN memberships theirs USING (room_nid) "
                      " WHERE mine.user_nid = $1 AND mine.membership = 2 "
                      "   AND theirs.user_nid = $2 AND theirs.membership = 2"},

    [OF_SERVER] = {"memberships_of_server",
                   "SELECT u.user_id, m.membership, m.last_join_position "
                   "  FROM memberships m JOIN users u USING (user_nid) "
                   " WHERE m.room_nid = $1 "
                   "   AND substr(u.user_id, strpos(u.user_id, ':') + 1) = $2 "
                   " ORDER BY m.membership = 2 DESC, m.position DESC "
                   " LIMIT $3"},

    [SERVERS] = {"memberships_servers",
                 "SELECT DISTINCT substr(u.user_id, strpos(u.user_id, ':') + 1) "
                 "  FROM memberships m JOIN users u USING (user_nid) "
                 " WHERE m.room_nid = $1 AND m.membership = 2 "
                 " UNION "
                 "SELECT unnest(p.servers) FROM partial_state_rooms p "
                 " WHERE p.room_nid = $1 AND p.completed_position IS NULL"},

    [SET_MANY] = {"memberships_set_many",
                  "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
                  "                         sender_nid, position, last_join_position, "
                  "                         joined_position) "
                  "SELECT $1, n.user_nid, n.membership, n.is_local, n.event_nid, n.sender_nid, $7, "
                  "       CASE WHEN n.membership = 2 THEN $7 ELSE 0 END, "
                  "       CASE WHEN n.membership = 2 THEN $7 ELSE 0 END "
                  "  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], "
                  "              $6::boolean[]) "
                  "    AS n (user_nid, membership, event_nid, sender_nid, is_local) "
                  "    ON CONFLICT (room_nid, user_nid) DO UPDATE "
                  "   SET membership = EXCLUDED.membership, event_nid = EXCLUDED.event_nid, "
                  "       sender_nid = EXCLUDED.sender_nid, position = EXCLUDED.position, "
                  "       stripped_state = NULL, is_forgotten = false, "
                  "       last_join_position = GREATEST(memberships.last_join_position, "
                  "                                     EXCLUDED.last_join_position), "
                  "       joined_position = CASE WHEN EXCLUDED.membership = 2 "
                  "                               AND memberships.membership <> 2 "
                  "                              THEN EXCLUDED.position "
                  "                              ELSE memberships.joined_position END"},

    [CHANGED] = {"memberships_changed", "SELECT u.user_id "
                                        "  FROM memberships m JOIN users u USING (user_nid) "
                                        " WHERE m.room_nid = $1 AND m.position > $2 "
                                        " ORDER BY u.user_id"},

    [DROP_OLDER] = {"memberships_drop_older",
                    "UPDATE memberships SET membership = 3, position = $3 "
                    " WHERE room_nid = $1 AND position < $2 AND NOT is_local "
                    "   AND membership IN (1, 2, 5)"},
};
STATEMENT_TABLE(memberships, statements);

static const char *const texts[] = {
    [STORED_INVITE] = "invite", [STORED_JOIN] = "join",   [STORED_LEAVE] = "leave",
    [STORED_BAN] = "ban",       [STORED_KNOCK] = "knock",
};

enum stored_membership membership_from_text(const char *text)
{
    for (size_t i = STORED_INVITE; text != NULL && i < COUNT_OF(texts); i++) {
        if (strcmp(texts[i], text) == 0)
            return (enum stored_membership)i;
    }
    return 0;
}

const char *membership_to_text(enum stored_membership membership)
{
    return texts[membership];
}

void membership_set_in(struct journal_entry *entry, const struct membership_row *row)
{
    journal_entry_add(entry, &statements[SET],
                      PARAMS(INT(row->room_nid), INT(row->user_nid), INT(row->membership),
                             BOOL(row->is_local), INT(row->event_nid), INT(row->sender_nid),
                             POSITION, BYTES(row->stripped_state, row->stripped_state_size)));
}

void membership_end_in(struct journal_entry *entry, const struct membership_row *row)
{
    journal_entry_add(
        entry, &statements[END],
        PARAMS(INT(row->room_nid), INT(row->user_nid), INT(row->membership), INT(row->sender_nid),
               POSITION, BYTES(row->stripped_state, row->stripped_state_size), INT(row->position)));
}

static void read_row(struct db_rows *rows, size_t i, struct membership_row *out)
{
    *out = (struct membership_row){
        .room_nid = rows_int(rows, i, 0),
        .user_nid = rows_int(rows, i, 1),
        .membership = (enum stored_membership)rows_int(rows, i, 2),
        .is_local = rows_bool(rows, i, 3),
        .is_forgotten = rows_bool(rows, i, 4),
        .event_nid = rows_int(rows, i, 5),
        .sender_nid = rows_int(rows, i, 6),
        .position = rows_int(rows, i, 7),
        .last_join_position = rows_int(rows, i, 8),
    };
}

enum errcode membership_load(struct db *db, struct arena *arena, int64_t room_nid, int64_t user_nid,
                             struct membership_row *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(room_nid), INT(user_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_row(rows, 0, out);
    out->stripped_state = rows_bytes(rows, 0, 9, &out->stripped_state_size);
    return OK;
}

enum errcode memberships_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                 bool with_forgotten, struct membership_row **out,
                                 size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USER], PARAMS(INT(user_nid), BOOL(with_forgotten)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct membership_row);
    for (size_t i = 0; i < *count_out; i++)
        read_row(rows, i, &(*out)[i]);
    return OK;
}

static struct nid_list read_nids(struct db_rows *rows, struct arena *arena)
{
    int64_t *nids = ARENA_ARRAY(arena, rows_count(rows), int64_t);

    for (size_t i = 0; i < rows_count(rows); i++)
        nids[i] = rows_int(rows, i, 0);
    return (struct nid_list){nids, rows_count(rows)};
}

enum errcode memberships_of_room(struct db *db, struct arena *arena, int64_t room_nid,
                                 enum stored_membership membership, bool only_local,
                                 struct nid_list *user_nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_ROOM],
                 PARAMS(INT(room_nid), INT(membership), BOOL(only_local)), &rows));
    *user_nids_out = read_nids(rows, arena);
    return OK;
}

enum errcode memberships_guests(struct db *db, struct arena *arena, int64_t room_nid,
                                struct nid_list *user_nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[GUESTS], PARAMS(INT(room_nid)), &rows));
    *user_nids_out = read_nids(rows, arena);
    return OK;
}

enum errcode memberships_count(struct db *db, struct arena *arena, int64_t room_nid,
                               struct member_counts *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT], PARAMS(INT(room_nid)), &rows));
    *out = (struct member_counts){0};
    if (rows_count(rows) > 0)
        *out = (struct member_counts){rows_int(rows, 0, 0), rows_int(rows, 0, 1)};
    return OK;
}

enum errcode memberships_heroes(struct db *db, struct arena *arena, struct nid_list room_nids,
                                int64_t user_nid, int64_t limit, struct room_heroes *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[HEROES],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count), INT(user_nid), INT(limit)),
                 &rows));
    for (size_t i = 0; i < room_nids.count; i++)
        out[i] = (struct room_heroes){ARENA_ARRAY(arena, (size_t)limit, const char *), 0};
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct room_heroes *heroes = &out[rows_int(rows, i, 0) - 1];
        heroes->user_ids[heroes->count++] = rows_text(rows, i, 1);
    }
    return OK;
}

enum errcode memberships_share_room(struct db *db, struct arena *arena, int64_t user_nid,
                                    int64_t other_nid, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SHARE_ROOM], PARAMS(INT(user_nid), INT(other_nid)), &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

void membership_forget_in(struct journal_entry *entry, int64_t room_nid, int64_t user_nid)
{
    journal_entry_add(entry, &statements[FORGET], PARAMS(INT(room_nid), INT(user_nid)));
}

enum errcode memberships_of_user_in(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct nid_list room_nids, enum stored_membership **out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USER_IN],
                 PARAMS(INT(user_nid), INT_ARRAY(room_nids.items, room_nids.count)), &rows));
    *out = ARENA_ARRAY(arena, room_nids.count, enum stored_membership);
    for (size_t i = 0; i < rows_count(rows) && i < room_nids.count; i++)
        (*out)[i] = (enum stored_membership)rows_int(rows, i, 0);
    return OK;
}

enum errcode memberships_joined_here(struct db *db, struct arena *arena, struct nid_list room_nids,
                                     struct nid_list *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[JOINED_HERE],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count)), &rows));
    *out = read_nids(rows, arena);
    return OK;
}

enum errcode memberships_joined_among(struct db *db, struct arena *arena,
                                      const struct joined_query *query, const char ***out,
                                      size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[JOINED_AMONG],
                 PARAMS(INT(query->user_nid), TEXT_ARRAY(query->room_ids, query->count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}

enum errcode memberships_mutual(struct db *db, struct arena *arena,
                                const struct mutual_query *query, struct mutual_room **out,
                                size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MUTUAL],
                 PARAMS(INT(query->user_nid), INT(query->other_nid), INT(query->after_room_nid),
                        INT(query->limit)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct mutual_room);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct mutual_room){rows_int(rows, i, 0), rows_text(rows, i, 1)};
    return OK;
}

enum errcode memberships_mutual_count(struct db *db, struct arena *arena, int64_t user_nid,
                                      int64_t other_nid, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MUTUAL_COUNT], PARAMS(INT(user_nid), INT(other_nid)),
                 &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

void memberships_set_many_in(struct journal_entry *entry, int64_t room_nid, int64_t position,
                             const struct membership_row *rows, size_t count)
{
    struct arena *arena = journal_entry_arena(entry);
    int64_t *users = ARENA_ARRAY(arena, count, int64_t);
    int64_t *memberships = ARENA_ARRAY(arena, count, int64_t);
    int64_t *events = ARENA_ARRAY(arena, count, int64_t);
    int64_t *senders = ARENA_ARRAY(arena, count, int64_t);
    bool *are_local = ARENA_ARRAY(arena, count, bool);

    for (size_t i = 0; i < count; i++) {
        users[i] = rows[i].user_nid;
        memberships[i] = rows[i].membership;
        events[i] = rows[i].event_nid;
        senders[i] = rows[i].sender_nid;
        are_local[i] = rows[i].is_local;
    }
    journal_entry_add(entry, &statements[SET_MANY],
                      PARAMS(INT(room_nid), INT_ARRAY(users, count), INT_ARRAY(memberships, count),
                             INT_ARRAY(events, count), INT_ARRAY(senders, count),
                             BOOL_ARRAY(are_local, count), INT(position)));
}

void memberships_drop_older_in(struct journal_entry *entry, int64_t room_nid, int64_t before)
{
    journal_entry_add(entry, &statements[DROP_OLDER], PARAMS(INT(room_nid), INT(before), POSITION));
}

static void read_names(struct db_rows *rows, struct arena *arena, const char ***out,
                       size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
}

enum errcode memberships_changed(struct db *db, struct arena *arena, int64_t room_nid,
                                 int64_t since, const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHANGED], PARAMS(INT(room_nid), INT(since)), &rows));
    read_names(rows, arena, out, count_out);
    return OK;
}

enum errcode memberships_of_server(struct db *db, struct arena *arena, int64_t room_nid,
                                   const char *server_name, struct server_member **out,
                                   size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_SERVER],
                 PARAMS(INT(room_nid), TEXT(server_name), INT(SERVER_MEMBERS_MAX)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct server_member);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct server_member){rows_text(rows, i, 0),
                                           (enum stored_membership)rows_int(rows, i, 1),
                                           rows_int(rows, i, 2)};
    return OK;
}

enum errcode memberships_servers(struct db *db, struct arena *arena, int64_t room_nid,
                                 const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SERVERS], PARAMS(INT(room_nid)), &rows));
    read_names(rows, arena, out, count_out);
    return OK;
}
