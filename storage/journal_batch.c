/*
 * One transaction of the journal: take the position lock, write the rows and run the statements of
 * every entry, write all events and heads by array-unnest, commit. Two round trips whatever the
 * number of entries; a third one where the rows that single statements touched must be looked at.
 */
#include "homeserver/base/arena.h"
#include "storage/journal_internal.h"
#include "storage/statements.h"

enum { TAKE_POSITIONS };

static const struct db_statement statements[] = {
    /* The row lock is what orders positions between nodes; it ends with the session (I5). The other
     * nodes are told when the transaction is committed. */
    [TAKE_POSITIONS] =
        {"journal_take_positions",
         "UPDATE journal_head "
         "   SET position = position + $1 "
         " RETURNING position, pg_notify('beffroi_journal', position || ';' || $2)::text"},
};
STATEMENT_TABLE(journal_batch, statements);

/* The rows of all events of a batch, column by column. */
struct event_columns {
    size_t count;
    int64_t *event_nid, *room_nid, *position, *depth, *origin_server_ts, *snapshot_nid;
    int64_t *sender_nid, *state_key_nid, *flags, *replaces_nid, *redacted_by_nid;
    const char **event_id;
    const void **json;
    size_t *json_size;
};

/* The heads that move: per room from the first expected version to the last new head. */
struct head_columns {
    size_t count;
    int64_t *room_nid, *expected, *version, *snapshot_nid, *depth, *last_position;
    const char **extremities;
};

static size_t count_events(const struct journal_entry *first)
{
    size_t count = 0;

    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        count += entry->event != NULL ? 1 : 0;
    return count;
}

static void allocate_columns(struct arena *arena, size_t count, struct event_columns *events,
                             struct head_columns *heads)
{
    int64_t **numbers[] = {
        &events->event_nid,    &events->room_nid,         &events->position,
        &events->depth,        &events->origin_server_ts, &events->snapshot_nid,
        &events->sender_nid,   &events->state_key_nid,    &events->flags,
        &events->replaces_nid, &events->redacted_by_nid,  &heads->room_nid,
        &heads->expected,      &heads->version,           &heads->depth,
        &heads->snapshot_nid,  &heads->last_position,
    };

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        *numbers[i] = ARENA_ARRAY(arena, count, int64_t);
    events->event_id = ARENA_ARRAY(arena, count, const char *);
    events->json = ARENA_ARRAY(arena, count, const void *);
    events->json_size = ARENA_ARRAY(arena, count, size_t);
    heads->extremities = ARENA_ARRAY(arena, count, const char *);
}

static void add_event(struct event_columns *columns, const struct stored_event *event)
{
    size_t i = columns->count++;

    columns->event_nid[i] = event->event_nid;
    columns->room_nid[i] = event->room_nid;
    columns->position[i] = event->position;
    columns->depth[i] = event->depth;
    columns->origin_server_ts[i] = event->origin_server_ts;
    columns->snapshot_nid[i] = event->snapshot_nid;
    columns->sender_nid[i] = event->sender_nid;
    columns->state_key_nid[i] = event->state_key_nid;
    columns->flags[i] = (int64_t)event->flags;
    columns->event_id[i] = event->event_id;
    columns->replaces_nid[i] = event->replaces_nid;
    columns->redacted_by_nid[i] = event->redacted_by_nid;
    columns->json[i] = event->json;
    columns->json_size[i] = event->json_size;
}

/* A room that has several events in the batch moves once, from the first to the last. */
static void add_head(struct head_columns *columns, const struct new_event *new_event)
{
    size_t i = 0;

    while (i < columns->count && columns->room_nid[i] != new_event->event.room_nid)
        i++;
    if (i == columns->count) {
        columns->count++;
        columns->room_nid[i] = new_event->event.room_nid;
        columns->expected[i] = new_event->expected_head_version;
    }
    columns->version[i] = new_event->head.version;
    columns->snapshot_nid[i] = new_event->head.snapshot_nid;
    columns->depth[i] = new_event->head.depth;
    columns->last_position[i] = new_event->event.position;
    columns->extremities[i] = new_event->head.extremities;
}

static void collect(struct journal_entry *first, struct event_columns *events,
                    struct head_columns *heads)
{
    for (struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        if (entry->event == NULL)
            continue;
        struct new_event *new_event = entry->event;
        if (new_event->event.position == JOURNAL_POSITION_MARK)
            new_event->event.position = entry->position;
        add_event(events, &new_event->event);
        if (new_event->head.version > 0)
            add_head(heads, new_event);
    }
}

static enum errcode pipeline_events(struct db *db, const struct event_columns *e)
{
    const struct db_params rows =
        PARAMS(INT_ARRAY(e->event_nid, e->count), INT_ARRAY(e->room_nid, e->count),
               INT_ARRAY(e->position, e->count), INT_ARRAY(e->depth, e->count),
               INT_ARRAY(e->origin_server_ts, e->count), INT_ARRAY(e->snapshot_nid, e->count),
               INT_ARRAY(e->sender_nid, e->count), INT_ARRAY(e->state_key_nid, e->count),
               INT_ARRAY(e->flags, e->count), TEXT_ARRAY(e->event_id, e->count),
               INT_ARRAY(e->replaces_nid, e->count), BYTES_ARRAY(e->json, e->json_size, e->count),
               INT_ARRAY(e->redacted_by_nid, e->count));

    if (e->count == 0)
        return OK;
    return db_pipeline_add(db, &events_insert_batch, rows, NULL);
}

static enum errcode pipeline_heads(struct db *db, const struct head_columns *h)
{
    if (h->count == 0)
        return OK;
    return db_pipeline_add(
        db, &room_heads_update_batch,
        PARAMS(INT_ARRAY(h->room_nid, h->count), INT_ARRAY(h->expected, h->count),
               INT_ARRAY(h->version, h->count), INT_ARRAY(h->snapshot_nid, h->count),
               INT_ARRAY(h->depth, h->count), INT_ARRAY(h->last_position, h->count),
               TEXT_ARRAY(h->extremities, h->count)),
        NULL);
}

/* Parameters with the position filled in; the entry keeps the mark for another attempt. */
static struct db_params with_position(struct arena *arena, const struct entry_statement *statement,
                                      int64_t position)
{
    struct db_param *params =
        arena_memdup(arena, statement->params, statement->param_count * sizeof(*params));

    for (size_t i = 0; i < statement->param_count; i++) {
        if (params[i].kind == DB_INT && params[i].number == JOURNAL_POSITION_MARK)
            params[i].number = position;
    }
    return (struct db_params){params, statement->param_count};
}

static enum errcode pipeline_statements(struct db *db, struct arena *arena,
                                        struct journal_entry *first)
{
    for (struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        for (struct entry_statement *s = entry->statements.first; s != NULL; s = s->next)
            TRY(db_pipeline_add(db, s->statement, with_position(arena, s, entry->position),
                                &s->affected));
    }
    return OK;
}

static bool expects_rows(const struct journal_entry *first)
{
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        for (const struct entry_statement *s = entry->statements.first; s != NULL; s = s->next) {
            if (s->expected_rows >= 0)
                return true;
        }
    }
    return false;
}

/* Uniqueness decided inside the batch: everything touched as many rows as it had to. */
static enum errcode check_affected(const struct journal_entry *first)
{
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        for (const struct entry_statement *s = entry->statements.first; s != NULL; s = s->next) {
            if (s->expected_rows >= 0 && s->affected != s->expected_rows)
                return E_CONFLICT;
        }
    }
    return OK;
}

static enum errcode begin(struct db *db, struct arena *arena, struct journal_entry *first,
                          const char *notify_payload, struct db **tx_out)
{
    struct db_rows *rows;
    int64_t count = 0;

    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        count++;
    TRY(db_begin_with(db, arena, &statements[TAKE_POSITIONS],
                      PARAMS(INT(count), TEXT(notify_payload)), tx_out, &rows));
    int64_t position = rows_int(rows, 0, 0) - count;
    for (struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        entry->position = ++position;
    return OK;
}

/* An attempt that failed must not leave its positions behind. */
static void forget_positions(struct journal_entry *first)
{
    for (struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        if (entry->event != NULL && entry->event->event.position == entry->position)
            entry->event->event.position = JOURNAL_POSITION_MARK;
        entry->position = 0;
    }
}

/* Everything that is known before the commit; the pipeline is still to be run. */
static enum errcode pipeline_all(struct db *tx, struct arena *arena, struct journal_entry *first)
{
    struct event_columns events = {0};
    struct head_columns heads = {0};

    allocate_columns(arena, count_events(first), &events, &heads);
    collect(first, &events, &heads);
    TRY(journal_pipeline_rows(tx, arena, first));
    TRY(pipeline_statements(tx, arena, first));
    TRY(pipeline_heads(tx, &heads));
    return pipeline_events(tx, &events);
}

static enum errcode write_in_transaction(struct db *db, struct arena *arena,
                                         struct journal_entry *first, const char *notify_payload)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(begin(db, arena, first, notify_payload, &tx));
    TRY(db_pipeline_begin(tx));
    enum errcode queued = pipeline_all(tx, arena, first);
    if (queued == OK && !expects_rows(first))
        return db_pipeline_commit(&tx);
    /* The pipeline must end whatever happened, or the connection stays in pipeline mode. */
    enum errcode ran = db_pipeline_sync(tx);
    TRY(queued);
    TRY(ran);
    TRY(check_affected(first));
    return db_commit(&tx);
}

static int64_t newest_position(const struct journal_entry *first)
{
    while (first->next != NULL)
        first = first->next;
    return first->position;
}

enum errcode journal_write_batch(struct db *db, struct arena *arena, struct journal_entry *first,
                                 const char *notify_payload, int64_t *position_out)
{
    enum errcode outcome = write_in_transaction(db, arena, first, notify_payload);

    if (outcome == OK)
        *position_out = newest_position(first);
    else
        forget_positions(first);
    return outcome;
}
