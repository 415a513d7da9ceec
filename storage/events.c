/*
 * The event graph: rows of `events` and the bytes in `event_json`.
 * Written by the journal in batches; read one by one, by list, or as a range of the timeline.
 */
#include "storage/events.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* The columns of struct stored_event, in the order of read_event(). */
#define EVENT_COLUMNS                                                                              \
    "e.event_nid, e.room_nid, e.position, e.depth, e.origin_server_ts, e.snapshot_nid, "           \
    "e.sender_nid, e.state_key_nid, e.redacted_by_nid, e.flags, e.event_id, j.json, "              \
    "e.replaces_nid "

#define FROM_EVENTS "  FROM events e JOIN event_json j USING (event_nid) "

/* In one statement: its parameters are in memory twice more while it is sent. */
enum { ROWS_AT_ONCE = 1000 };

/* Rejected, soft-failed and outlier events are not shown. */
#define IS_VISIBLE "e.flags & 7 = 0 "

/* What the index of times holds: spans of 70 minutes. */
#define SPAN "(e.origin_server_ts >> 22) "

enum {
    BY_NID,
    BY_ID,
    BY_NIDS,
    IDS_BY_NIDS,
    BY_IDS,
    RANGE_FORWARDS,
    RANGE_BACKWARDS,
    TS_AFTER,
    TS_BEFORE,
    OF_STATE_KEY,
    OF_ROOMS,
    OF_WHOLE_ROOM,
    REDACT,
    FIND_NIDS,
    DROP_OUTLIER,
    HISTORY_POSITIONS,
    SINCE,
    REJUDGE
};

static const struct db_statement statements[] = {
    [BY_NID] = {"event_by_nid", "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.event_nid = $1"},

    [BY_ID] = {"event_by_id", "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.event_id = $1"},

    [BY_NIDS] = {"events_by_nids",
                 "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.event_nid = ANY($1) "
                 " ORDER BY e.position, e.event_nid"},

    [IDS_BY_NIDS] = {"event_ids_by_nids",
                     "SELECT e.event_id FROM events e WHERE e.event_nid = ANY($1)"},

    [BY_IDS] = {"events_by_ids", "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.event_id = ANY($1) "
                                 " ORDER BY e.position, e.event_nid"},

    /* The nearest gap ends the range, unless the reader goes over it. */
    [RANGE_FORWARDS] = {"events_range_forwards",
                        "SELECT " EVENT_COLUMNS FROM_EVENTS
                        " WHERE e.room_nid = $1 AND e.position > $2 "
                        "   AND e.position <= LEAST($3::bigint, "
                        "         (SELECT min(g.after_position) FROM history_gaps g "
                        "           WHERE g.room_nid = $1 AND g.after_position >= $2 "
                        "             AND NOT $5::boolean)) "
                        "   AND e.position <> 0 AND " IS_VISIBLE " ORDER BY e.position "
                        " LIMIT $4"},

    [RANGE_BACKWARDS] = {"events_range_backwards",
                         "SELECT " EVENT_COLUMNS FROM_EVENTS
                         " WHERE e.room_nid = $1 AND e.position <= $3 "
                         "   AND e.position > GREATEST($2::bigint, "
                         "         (SELECT max(g.after_position) FROM history_gaps g "
                         "           WHERE g.room_nid = $1 AND g.after_position < $3 "
                         "             AND NOT $5::boolean)) "
                         "   AND e.position <> 0 AND " IS_VISIBLE " ORDER BY e.position DESC "
                         " LIMIT $4"},

    /* The inner part reads the events of a span, the bodies of a few of them come after. */
    [TS_AFTER] = {"events_closest_after",
                  "SELECT " EVENT_COLUMNS "  FROM (SELECT * FROM events e WHERE e.room_nid = $1 "
                  "           AND " SPAN ">= $2::bigint >> 22 "
                  "           AND (e.origin_server_ts, e.position) > ($2::bigint, $3::bigint) "
                  "           AND e.position <> 0 AND " IS_VISIBLE "         ORDER BY " SPAN
                  ", e.origin_server_ts, e.position "
                  "         LIMIT $4) AS e "
                  "  JOIN event_json j USING (event_nid) "
                  " ORDER BY e.origin_server_ts, e.position"},

    [TS_BEFORE] = {"events_closest_before",
                   "SELECT " EVENT_COLUMNS "  FROM (SELECT * FROM events e WHERE e.room_nid = $1 "
                   "           AND " SPAN "<= $2::bigint >> 22 "
                   "           AND (e.origin_server_ts, e.position) < ($2::bigint, $3::bigint) "
                   "           AND e.position <> 0 AND " IS_VISIBLE "         ORDER BY " SPAN
                   "DESC, e.origin_server_ts DESC, e.position DESC "
                   "         LIMIT $4) AS e "
                   "  JOIN event_json j USING (event_nid) "
                   " ORDER BY e.origin_server_ts DESC, e.position DESC"},

    [OF_STATE_KEY] = {"events_of_state_key",
                      "SELECT " EVENT_COLUMNS FROM_EVENTS
                      " WHERE e.room_nid = ANY($1) AND e.state_key_nid = $2 "
                      "   AND e.position <> 0 AND " IS_VISIBLE " ORDER BY e.room_nid, e.position"},

    [OF_WHOLE_ROOM] = {"events_of_whole_room",
                       "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.room_nid = $1 "
                       "   AND (e.position, e.event_nid) > ($2::bigint, $3::bigint) "
                       " ORDER BY e.position, e.event_nid "
                       " LIMIT $4"},

    /* The lateral part reads the newest events of each room from the index. */
    [OF_ROOMS] = {"events_of_rooms",
                  "SELECT " EVENT_COLUMNS
                  "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY "
                  "         AS w (room_nid, after, wanted, ordinal) "
                  " CROSS JOIN LATERAL (SELECT * FROM events n "
                  "                      WHERE n.room_nid = w.room_nid "
                  "                        AND n.position > GREATEST(w.after, "
                  "                              (SELECT max(g.after_position) "
                  "                                 FROM history_gaps g "
                  "                                WHERE g.room_nid = w.room_nid)) "
                  "                        AND n.position <= $4 AND n.position <> 0 "
                  "                        AND n.flags & 7 = 0 "
                  "                      ORDER BY n.position DESC LIMIT w.wanted) AS e "
                  "  JOIN event_json j USING (event_nid) "
                  " ORDER BY w.ordinal, e.position"},

    /* Those beside the timeline (position 0) too, when the state before them is known. */
    [SINCE] = {"events_since",
               "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.room_nid = $1 AND e.position >= $2 "
               " UNION ALL "
               "SELECT " EVENT_COLUMNS FROM_EVENTS " WHERE e.room_nid = $1 AND e.position = 0 "
               "   AND e.snapshot_nid IS NOT NULL AND e.flags & 4 = 0 "
               " ORDER BY position, event_nid"},

    [REJUDGE] = {"events_rejudge",
                 "UPDATE events e "
                 "   SET snapshot_nid = n.snapshot_nid, flags = n.flags, "
                 "       replaces_nid = NULLIF(n.replaces_nid, 0) "
                 "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) "
                 "    AS n (event_nid, snapshot_nid, flags, replaces_nid) "
                 " WHERE e.event_nid = n.event_nid"},

    [REDACT] = {"event_redact", "WITH redacted AS ( "
                                "  UPDATE events SET redacted_by_nid = $2, flags = flags | 2048 "
                                "   WHERE event_nid = $1 AND redacted_by_nid IS NULL "
                                "  RETURNING event_nid) "
                                "UPDATE event_json SET json = $3 "
                                "  FROM redacted "
                                " WHERE event_json.event_nid = redacted.event_nid"},

    [FIND_NIDS] = {"event_nids_find",
                   "SELECT n.ordinal, e.event_nid "
                   "  FROM unnest($2::text[]) WITH ORDINALITY AS n (event_id, ordinal) "
                   "  JOIN events e USING (event_id) "
                   " WHERE e.room_nid = $1"},

    [DROP_OUTLIER] = {"event_drop_outlier",
                      "WITH dropped AS ( "
                      "  DELETE FROM events WHERE event_nid = $1 AND flags & 4 <> 0 "
                      "  RETURNING event_nid) "
                      "DELETE FROM event_json j USING dropped d WHERE j.event_nid = d.event_nid"},

    [HISTORY_POSITIONS] = {"history_positions_take", "SELECT min(-nextval('history_positions')), "
                                                     "       max(-currval('history_positions')) "
                                                     "  FROM generate_series(1, $1::bigint)"},
};
STATEMENT_TABLE(events, statements);

/* One statement for both tables: half the work of two for a small batch. */
const struct db_statement events_insert_batch = {
    "events_insert_batch",
    "WITH n AS MATERIALIZED ( "
    "  SELECT event_nid, room_nid, position, depth, origin_server_ts, snapshot_nid, sender_nid, "
    "         state_key_nid, flags, event_id, replaces_nid, json, redacted_by_nid "
    "    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], "
    "                $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], "
    "                $11::bigint[], $12::bytea[], $13::bigint[]) "
    "      AS u (event_nid, room_nid, position, depth, origin_server_ts, snapshot_nid, "
    "            sender_nid, state_key_nid, flags, event_id, replaces_nid, json, "
    "            redacted_by_nid)), "
    "rows AS ( "
    "  INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, snapshot_nid, "
    "                      sender_nid, state_key_nid, flags, event_id, replaces_nid, "
    "                      redacted_by_nid) "
    "  SELECT n.event_nid, n.room_nid, n.position, n.depth, n.origin_server_ts, "
    "         NULLIF(n.snapshot_nid, 0), n.sender_nid, NULLIF(n.state_key_nid, 0), n.flags, "
    "         n.event_id, NULLIF(n.replaces_nid, 0), NULLIF(n.redacted_by_nid, 0) "
    "    FROM n) "
    "INSERT INTO event_json (event_nid, json) "
    "SELECT n.event_nid, n.json "
    "  FROM n"};
STATEMENT_TABLE_OF_ONE(events_insert_batch);

/* Where the version is not the expected one, the transaction fails (I7). */
const struct db_statement room_heads_update_batch = {
    "room_heads_update_batch",
    "WITH moved AS ( "
    "  UPDATE room_heads h "
    "     SET version = n.version, snapshot_nid = n.snapshot_nid, depth = n.depth, "
    "         last_position = n.last_position, extremities = n.extremities "
    "    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], "
    "                $6::bigint[], $7::text[]) "
    "      AS n (room_nid, expected, version, snapshot_nid, depth, last_position, extremities) "
    "   WHERE h.room_nid = n.room_nid AND h.version = n.expected "
    "  RETURNING 1) "
    "SELECT CASE WHEN count(*) < cardinality($1) THEN raise_conflict() END "
    "  FROM moved"};
STATEMENT_TABLE_OF_ONE(room_heads_update_batch);

static int by_user(const void *a, const void *b)
{
    const struct personal_action *left = a, *right = b;

    return left->user_nid < right->user_nid ? -1 : left->user_nid > right->user_nid;
}

const struct personal_action *event_effects_for(const struct event_effects *effects,
                                                int64_t user_nid)
{
    const struct personal_action wanted = {.user_nid = user_nid};

    if (effects->personal_count == 0)
        return NULL;
    return bsearch(&wanted, effects->personal, effects->personal_count, sizeof(wanted), by_user);
}

static void read_event(struct db_rows *rows, size_t row, struct stored_event *out)
{
    out->event_nid = rows_int(rows, row, 0);
    out->room_nid = rows_int(rows, row, 1);
    out->position = rows_int(rows, row, 2);
    out->depth = rows_int(rows, row, 3);
    out->origin_server_ts = rows_int(rows, row, 4);
    out->snapshot_nid = rows_int(rows, row, 5);
    out->sender_nid = rows_int(rows, row, 6);
    out->state_key_nid = rows_int(rows, row, 7);
    out->redacted_by_nid = rows_int(rows, row, 8);
    out->flags = (unsigned)rows_int(rows, row, 9);
    out->event_id = rows_text(rows, row, 10);
    out->json = rows_bytes(rows, row, 11, &out->json_size);
    out->replaces_nid = rows_int(rows, row, 12);
    out->effects = NULL;
}

static enum errcode read_one(struct db_rows *rows, struct stored_event *out)
{
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_event(rows, 0, out);
    return OK;
}

static void read_all(struct db_rows *rows, struct arena *arena, struct stored_event **out,
                     size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct stored_event);
    for (size_t i = 0; i < *count_out; i++)
        read_event(rows, i, &(*out)[i]);
}

enum errcode event_load(struct db *db, struct arena *arena, int64_t event_nid,
                        struct stored_event *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_NID], PARAMS(INT(event_nid)), &rows));
    return read_one(rows, out);
}

enum errcode event_load_by_id(struct db *db, struct arena *arena, const char *event_id,
                              struct stored_event *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_ID], PARAMS(TEXT(event_id)), &rows));
    return read_one(rows, out);
}

enum errcode events_load(struct db *db, struct arena *arena, const int64_t *event_nids,
                         size_t count, struct stored_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_NIDS], PARAMS(INT_ARRAY(event_nids, count)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode event_ids_load(struct db *db, struct arena *arena, const int64_t *event_nids,
                            size_t count, const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[IDS_BY_NIDS], PARAMS(INT_ARRAY(event_nids, count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}

enum errcode events_load_by_ids(struct db *db, struct arena *arena, const char *const *event_ids,
                                size_t count, struct stored_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_IDS], PARAMS(TEXT_ARRAY(event_ids, count)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode events_in_range(struct db *db, struct arena *arena, const struct event_range *range,
                             struct stored_event **out, size_t *count_out)
{
    const struct db_statement *statement =
        &statements[range->backwards ? RANGE_BACKWARDS : RANGE_FORWARDS];
    struct db_rows *rows;

    TRY(db_query(db, arena, statement,
                 PARAMS(INT(range->room_nid), INT(range->after), INT(range->until),
                        INT(range->limit), BOOL(range->over_gaps)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

struct stored_event *events_part_of_room(struct stored_event *events, size_t count,
                                         int64_t room_nid, size_t *count_out)
{
    size_t low = 0, high = count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (events[middle].room_nid < room_nid)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < count && events[end].room_nid == room_nid;)
        end++;
    *count_out = end - low;
    return events + low;
}

enum errcode events_of_state_key(struct db *db, struct arena *arena, struct nid_list room_nids,
                                 int64_t state_key_nid, struct stored_event **out,
                                 size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_STATE_KEY],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count), INT(state_key_nid)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode events_of_whole_room(struct db *db, struct arena *arena,
                                  const struct event_place *after, struct stored_event **out,
                                  size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_WHOLE_ROOM],
                 PARAMS(INT(after->room_nid), INT(after->position), INT(after->event_nid),
                        INT(after->limit)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode events_of_rooms(struct db *db, struct arena *arena, const struct rooms_range *range,
                             struct stored_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_ROOMS],
                 PARAMS(INT_ARRAY(range->room_nids.items, range->room_nids.count),
                        INT_ARRAY(range->after, range->room_nids.count),
                        INT_ARRAY(range->limits, range->room_nids.count), INT(range->until)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode events_closest_to_timestamp(struct db *db, struct arena *arena,
                                         const struct timestamp_search *search,
                                         struct stored_event **out, size_t *count_out)
{
    const struct db_statement *statement = &statements[search->backwards ? TS_BEFORE : TS_AFTER];
    struct db_rows *rows;

    TRY(db_query(
        db, arena, statement,
        PARAMS(INT(search->room_nid), INT(search->ts), INT(search->position), INT(search->limit)),
        &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode event_nids_find(struct db *db, struct arena *arena, int64_t room_nid,
                             const char *const *event_ids, size_t count, int64_t *nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND_NIDS],
                 PARAMS(INT(room_nid), TEXT_ARRAY(event_ids, count)), &rows));
    for (size_t i = 0; i < count; i++)
        nids_out[i] = 0;
    for (size_t i = 0; i < rows_count(rows); i++)
        nids_out[rows_int(rows, i, 0) - 1] = rows_int(rows, i, 1);
    return OK;
}

void event_drop_outlier_in(struct journal_entry *entry, int64_t event_nid)
{
    journal_entry_add(entry, &statements[DROP_OUTLIER], PARAMS(INT(event_nid)));
}

enum errcode events_since(struct db *db, struct arena *arena, int64_t room_nid, int64_t position,
                          struct stored_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SINCE], PARAMS(INT(room_nid), INT(position)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

void events_rejudge_in(struct journal_entry *entry, const struct event_verdict *verdicts,
                       size_t count)
{
    struct arena *arena = journal_entry_arena(entry);
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    int64_t *snapshots = ARENA_ARRAY(arena, count, int64_t);
    int64_t *flags = ARENA_ARRAY(arena, count, int64_t);
    int64_t *replaced = ARENA_ARRAY(arena, count, int64_t);

    for (size_t i = 0; i < count; i++) {
        nids[i] = verdicts[i].event_nid;
        snapshots[i] = verdicts[i].snapshot_nid;
        flags[i] = (int64_t)verdicts[i].flags;
        replaced[i] = verdicts[i].replaces_nid;
    }
    journal_entry_add(entry, &statements[REJUDGE],
                      PARAMS(INT_ARRAY(nids, count), INT_ARRAY(snapshots, count),
                             INT_ARRAY(flags, count), INT_ARRAY(replaced, count)));
    journal_entry_rewrites_event(entry);
}

enum errcode history_positions_take(struct db *db, struct arena *arena, int64_t count,
                                    int64_t *first_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[HISTORY_POSITIONS], PARAMS(INT(count)), &rows));
    *first_out = rows_int(rows, 0, 1);
    return OK;
}

void event_redact_in(struct journal_entry *entry, int64_t target_nid, int64_t redaction_nid,
                     const char *redacted_json, size_t size)
{
    journal_entry_rewrites_event(entry);
    journal_entry_add(entry, &statements[REDACT],
                      PARAMS(INT(target_nid), INT(redaction_nid), BYTES(redacted_json, size)));
}

static int64_t *numbers(struct arena *arena, const struct stored_event *events, size_t count,
                        size_t offset)
{
    int64_t *column = ARENA_ARRAY(arena, count, int64_t);

    for (size_t i = 0; i < count; i++)
        column[i] = *(const int64_t *)(const void *)((const char *)&events[i] + offset);
    return column;
}

#define COLUMN(member)                                                                             \
    INT_ARRAY(numbers(arena, events, count, offsetof(struct stored_event, member)), count)

static void add_rows_in(struct journal_entry *entry, const struct stored_event *events,
                        size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char **ids = ARENA_ARRAY(arena, count, const char *);
    const void **bodies = ARENA_ARRAY(arena, count, const void *);
    size_t *sizes = ARENA_ARRAY(arena, count, size_t);
    int64_t *flags = ARENA_ARRAY(arena, count, int64_t);

    for (size_t i = 0; i < count; i++) {
        ids[i] = events[i].event_id;
        bodies[i] = events[i].json;
        sizes[i] = events[i].json_size;
        flags[i] = (int64_t)events[i].flags;
    }
    journal_entry_add(entry, &events_insert_batch,
                      PARAMS(COLUMN(event_nid), COLUMN(room_nid), COLUMN(position), COLUMN(depth),
                             COLUMN(origin_server_ts), COLUMN(snapshot_nid), COLUMN(sender_nid),
                             COLUMN(state_key_nid), INT_ARRAY(flags, count), TEXT_ARRAY(ids, count),
                             COLUMN(replaces_nid), BYTES_ARRAY(bodies, sizes, count),
                             COLUMN(redacted_by_nid)));
}

void events_add_many_in(struct journal_entry *entry, const struct stored_event *events,
                        size_t count)
{
    for (size_t i = 0; i < count; i += ROWS_AT_ONCE)
        add_rows_in(entry, events + i, count - i < ROWS_AT_ONCE ? count - i : ROWS_AT_ONCE);
    journal_entry_rewrites_event(entry); /* what is remembered of the room has holes now */
}
