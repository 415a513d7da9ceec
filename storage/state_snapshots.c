/* Snapshots as chains of differences with checkpoints. */
#include "storage/state_snapshots.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* What a snapshot row costs beside its entries, counted in entries of 16 bytes: row header, numbers
 * and two array headers. A checkpoint pays when the differences written since the last one cost as
 * much as it would; so the chain that a reader follows stays short as well. */
enum { ROW_OVERHEAD_ENTRIES = 7, CHAIN_ENTRIES_MIN = 32 };

enum { INSERT, LOAD_CHAIN };

static const struct db_statement statements[] = {
    [INSERT] =
        {"snapshot_insert",
         "INSERT INTO state_snapshots (snapshot_nid, room_nid, parent_nid, "
         "                             entries_since_checkpoint, state_key_nids, event_nids) "
         "VALUES ($1, $2, $3, $4, $5, $6)"},

    [LOAD_CHAIN] = {"snapshot_load_chain",
                    "WITH RECURSIVE chain AS ( "
                    "  SELECT snapshot_nid, parent_nid, entries_since_checkpoint, state_key_nids, "
                    "         event_nids, 0 AS steps "
                    "    FROM state_snapshots "
                    "   WHERE snapshot_nid = $1 "
                    "   UNION ALL "
                    "  SELECT s.snapshot_nid, s.parent_nid, s.entries_since_checkpoint, "
                    "         s.state_key_nids, s.event_nids, c.steps + 1 "
                    "    FROM chain c "
                    "    JOIN state_snapshots s ON s.snapshot_nid = c.parent_nid) "
                    "SELECT entries_since_checkpoint, state_key_nids, event_nids "
                    "  FROM chain "
                    " ORDER BY steps DESC"},
};
STATEMENT_TABLE(state_snapshots, statements);

static struct state_map *apply_row(struct db_rows *rows, size_t row, struct arena *arena,
                                   struct state_map *map)
{
    size_t key_count, event_count;
    const int64_t *keys = rows_int_array(rows, row, 1, arena, &key_count);
    const int64_t *events = rows_int_array(rows, row, 2, arena, &event_count);

    for (size_t i = 0; i < key_count && i < event_count; i++)
        state_map_put(&map, keys[i], events[i]);
    return map;
}

enum errcode snapshot_load(struct db *db, int64_t snapshot_nid, struct snapshot_ref *ref_out,
                           struct state_map **map_out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct state_map *map = NULL;
    struct db_rows *rows;

    if (snapshot_nid == 0) {
        *ref_out = (struct snapshot_ref){0};
        *map_out = NULL;
        return OK;
    }
    TRY(db_query(db, arena, &statements[LOAD_CHAIN], PARAMS(INT(snapshot_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    for (size_t row = 0; row < rows_count(rows); row++)
        map = apply_row(rows, row, arena, map);
    *ref_out = (struct snapshot_ref){snapshot_nid, rows_int(rows, rows_count(rows) - 1, 0)};
    *map_out = map;
    return OK;
}

struct entry_list {
    struct arena *arena;
    ARRAY_OF(int64_t) keys;
    ARRAY_OF(int64_t) events;
};

static bool collect_entry(void *context, int64_t key, int64_t value)
{
    struct entry_list *list = context;

    array_push(list->arena, &list->keys, key);
    array_push(list->arena, &list->events, value);
    return true;
}

static bool collect_difference(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)old_value;
    return collect_entry(context, key, new_value);
}

static void insert(struct journal_entry *entry, const struct snapshot_change *change,
                   int64_t parent_nid, int64_t entries, const struct entry_list *list)
{
    journal_entry_add(entry, &statements[INSERT],
                      PARAMS(INT(change->snapshot_nid), INT(change->room_nid),
                             parent_nid != 0 ? INT(parent_nid) : NULL_INT, INT(entries),
                             INT_ARRAY(list->keys.items, list->keys.count),
                             INT_ARRAY(list->events.items, list->events.count)));
}

static struct snapshot_ref add(struct journal_entry *entry, const struct snapshot_change *change,
                               const struct entry_list *difference)
{
    int64_t entries = change->parent.entries_since_checkpoint + (int64_t)difference->keys.count +
                      ROW_OVERHEAD_ENTRIES;
    int64_t checkpoint = (int64_t)state_map_count(change->after) + ROW_OVERHEAD_ENTRIES;

    if (entries > checkpoint && entries > CHAIN_ENTRIES_MIN * ROW_OVERHEAD_ENTRIES) {
        struct entry_list everything = {.arena = journal_entry_arena(entry)};
        state_map_visit(change->after, collect_entry, &everything);
        insert(entry, change, 0, 0, &everything);
        return (struct snapshot_ref){change->snapshot_nid, 0};
    }
    insert(entry, change, change->parent.snapshot_nid, entries, difference);
    return (struct snapshot_ref){change->snapshot_nid, entries};
}

struct snapshot_ref snapshot_add_in(struct journal_entry *entry,
                                    const struct snapshot_change *change)
{
    struct entry_list difference = {.arena = journal_entry_arena(entry)};

    collect_entry(&difference, change->state_key_nid, change->event_nid);
    return add(entry, change, &difference);
}

struct snapshot_ref snapshot_add_state_in(struct journal_entry *entry,
                                          const struct snapshot_change *change,
                                          const struct state_map *parent_map)
{
    struct entry_list difference = {.arena = journal_entry_arena(entry)};

    state_map_diff(parent_map, change->after, collect_difference, &difference);
    return add(entry, change, &difference);
}
