/* Blocks of numbers from three sequences. */
#include "storage/nids.h"

#include <pthread.h>

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { ROOM, EVENT, SNAPSHOT, KIND_COUNT };

/* The INCREMENT of the sequence is the size of a block. */
static const int64_t block_sizes[KIND_COUNT] = {[ROOM] = 100, [EVENT] = 1000, [SNAPSHOT] = 1000};

static const struct db_statement statements[KIND_COUNT] = {
    [ROOM] = {"nid_block_of_rooms", "SELECT nextval('room_nids')"},
    [EVENT] = {"nid_block_of_events", "SELECT nextval('event_nids')"},
    [SNAPSHOT] = {"nid_block_of_snapshots", "SELECT nextval('snapshot_nids')"},
};
STATEMENT_TABLE(nids, statements);

struct nid_source {
    pthread_mutex_t lock;
    struct {
        int64_t next;
        int64_t end;
    } blocks[KIND_COUNT];
};

struct nid_source *nid_source_create(void)
{
    struct nid_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        abort();
    pthread_mutex_init(&source->lock, NULL);
    return source;
}

void nid_source_destroy(struct nid_source *source)
{
    if (source == NULL)
        return;
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static enum errcode load_block(struct db *db, int kind, int64_t *first_out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[kind], NO_PARAMS, &rows));
    *first_out = rows_int(rows, 0, 0);
    return OK;
}

static enum errcode next(struct nid_source *source, struct db *db, int kind, int64_t *out)
{
    enum errcode outcome = OK;

    pthread_mutex_lock(&source->lock);
    if (source->blocks[kind].next == source->blocks[kind].end) {
        int64_t first;
        outcome = load_block(db, kind, &first);
        if (outcome == OK) {
            source->blocks[kind].next = first;
            source->blocks[kind].end = first + block_sizes[kind];
        }
    }
    if (outcome == OK)
        *out = source->blocks[kind].next++;
    pthread_mutex_unlock(&source->lock);
    return outcome;
}

enum errcode nid_next_room(struct nid_source *source, struct db *db, int64_t *out)
{
    return next(source, db, ROOM, out);
}

enum errcode nid_next_event(struct nid_source *source, struct db *db, int64_t *out)
{
    return next(source, db, EVENT, out);
}

enum errcode nid_next_snapshot(struct nid_source *source, struct db *db, int64_t *out)
{
    return next(source, db, SNAPSHOT, out);
}
