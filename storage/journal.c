/*
 * The journal's writer: one thread, one connection. What came while the last commit ran is the next
 * batch, so batches form by themselves and an idle server answers at once.
 */
#include "storage/journal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/thread.h"
#include "storage/journal_internal.h"
#include "storage/listen_notify.h"
#include "storage/recent_events.h"
#include "storage/recent_transactions.h"
#include "storage/statements.h"

enum {
    BATCH_ENTRIES_MAX = 200,
    BATCH_BYTES_MAX = 1 << 20,
    LISTENERS_MAX = 8,
    NOTIFY_BYTES_MAX = 7500, /* PostgreSQL's limit is 8000 */
    NODE_ID_CHARS = 12,
};

struct listener {
    journal_listener callback;
    void *context;
};

struct journal {
    struct db *db;
    char *conninfo;
    struct recent_events *recent;             /* may be NULL */
    struct recent_transactions *transactions; /* may be NULL */
    struct listen_notify *listener;           /* of other nodes */
    char node_id[NODE_ID_CHARS + 1];          /* tells our own notifications from those of others */
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock; /* protects the queue and `stopping` */
    pthread_cond_t queue_not_empty;
    struct journal_entry *queue_first;
    struct journal_entry *queue_last;
    bool stopping;
    bool must_look;                 /* notifications may have been lost: read the position again */
    _Atomic int64_t statements_run; /* for batches; looking for other nodes' changes is apart */
    _Atomic int64_t position;
    _Atomic int64_t told;                     /* newest position that the listeners know of */
    struct listener listeners[LISTENERS_MAX]; /* fixed before the first submit */
    size_t listener_count;
};

static const struct db_statement load_position = {"journal_load_position",
                                                  "SELECT position FROM journal_head"};
static const struct db_statement listen_to_nodes = {"journal_listen", "LISTEN beffroi_journal"};
STATEMENT_TABLE_OF_ONE(load_position);
STATEMENT_TABLE_OF_ONE(listen_to_nodes);

struct journal *journal_create(const char *conninfo)
{
    struct journal *journal = calloc(1, sizeof(*journal));

    if (journal == NULL)
        abort();
    SCOPED(arena_release) struct arena *arena = arena_create();
    snprintf(journal->node_id, sizeof(journal->node_id), "%s", random_token(arena, NODE_ID_CHARS));
    journal->db = db_create(conninfo);
    journal->conninfo = strdup(conninfo);
    if (journal->conninfo == NULL)
        abort();
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->queue_not_empty, NULL);
    return journal;
}

void journal_add_listener(struct journal *journal, journal_listener callback, void *context)
{
    if (journal->listener_count == LISTENERS_MAX)
        abort();
    journal->listeners[journal->listener_count++] = (struct listener){callback, context};
}

void journal_set_recent_events(struct journal *journal, struct recent_events *recent)
{
    journal->recent = recent;
}

void journal_set_recent_transactions(struct journal *journal, struct recent_transactions *recent)
{
    journal->transactions = recent;
}

int64_t journal_position(const struct journal *journal)
{
    return atomic_load(&journal->position);
}

int64_t journal_statements_run(const struct journal *journal)
{
    return atomic_load(&journal->statements_run);
}

/* Positions only grow; notifications of other nodes may arrive late. */
static void raise(_Atomic int64_t *highest, int64_t position)
{
    int64_t current = atomic_load(highest);

    while (position > current && !atomic_compare_exchange_weak(highest, &current, position))
        continue;
}

static void raise_position(struct journal *journal, int64_t position)
{
    raise(&journal->position, position);
}

void journal_submit(struct journal *journal, struct journal_entry *entry,
                    struct commit_group *group)
{
    entry->group = group;
    entry->next = NULL;
    if (group != NULL)
        commit_group_enter(group);
    pthread_mutex_lock(&journal->lock);
    if (journal->queue_last != NULL)
        journal->queue_last->next = entry;
    else
        journal->queue_first = entry;
    journal->queue_last = entry;
    pthread_cond_signal(&journal->queue_not_empty);
    pthread_mutex_unlock(&journal->lock);
}

/* Blocks until there is work. NULL when there is no entry: then the journal stops, or `*must_look`
 * is set. */
static struct journal_entry *take_batch(struct journal *journal, bool *must_look)
{
    struct journal_entry *first, *last;
    size_t entries = 1, bytes;

    pthread_mutex_lock(&journal->lock);
    while (journal->queue_first == NULL && !journal->stopping && !journal->must_look)
        pthread_cond_wait(&journal->queue_not_empty, &journal->lock);
    *must_look = journal->must_look;
    journal->must_look = false;
    first = last = journal->queue_first;
    if (first != NULL) {
        bytes = first->bytes;
        while (last->next != NULL && entries < BATCH_ENTRIES_MAX &&
               bytes + last->next->bytes <= BATCH_BYTES_MAX) {
            last = last->next;
            bytes += last->bytes;
            entries++;
        }
        journal->queue_first = last->next;
        if (last->next == NULL)
            journal->queue_last = NULL;
        last->next = NULL;
    }
    pthread_mutex_unlock(&journal->lock);
    return first;
}

static void add_nids(struct strbuf *payload, const struct wake_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        strbuf_add_char(payload, ' ');
        strbuf_add_int(payload, list->nids[i]);
    }
}

/* `node;r nid nid;m nid;u nid nid`, or `node;*` when it would be too long: then everybody looks.
 * The statement puts the position in front. */
static const char *notify_payload(struct journal *journal, struct arena *arena,
                                  const struct journal_entry *first)
{
    struct strbuf payload;

    strbuf_init(&payload, NOTIFY_BYTES_MAX);
    strbuf_printf(&payload, "%s;r", journal->node_id);
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        add_nids(&payload, &entry->rooms);
    strbuf_add_string(&payload, ";m");
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        add_nids(&payload, &entry->message_rooms);
    strbuf_add_string(&payload, ";u");
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        add_nids(&payload, &entry->users);
    const char *text = payload.overflowed ? arena_printf(arena, "%s;*", journal->node_id)
                                          : arena_strdup(arena, payload.data);
    strbuf_finish(&payload);
    return text;
}

static const struct wake_list *list_at(const struct journal_entry *entry, size_t offset)
{
    return (const void *)((const char *)entry + offset);
}

static int64_t *gather(struct arena *arena, const struct journal_entry *first, size_t list_offset,
                       size_t *count_out)
{
    size_t count = 0;

    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next)
        count += list_at(entry, list_offset)->count;
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    *count_out = 0;
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        const struct wake_list *list = list_at(entry, list_offset);
        for (size_t i = 0; i < list->count; i++)
            nids[(*count_out)++] = list->nids[i];
    }
    return nids;
}

/* "<mark> nid nid …"; false when another mark stands there. */
static bool parse_list(struct arena *arena, const char **text, const char *mark,
                       const int64_t **nids_out, size_t *count_out)
{
    ARRAY_OF(int64_t) nids = {0};

    if (strncmp(*text, mark, strlen(mark)) != 0)
        return false;
    *text += strlen(mark);
    while (**text == ' ') {
        char *end;
        array_push(arena, &nids, strtoll(*text + 1, &end, 10));
        *text = end;
    }
    *nids_out = nids.items;
    *count_out = nids.count;
    return true;
}

static void tell_listeners(struct journal *journal, const struct journal_change *change)
{
    for (size_t i = 0; i < journal->listener_count; i++)
        journal->listeners[i].callback(journal->listeners[i].context, change);
    raise(&journal->told, change->position);
}

static void remember_event(struct journal *journal, struct journal_entry *entry)
{
    entry->effects.personal = entry->personal.items;
    entry->effects.personal_count = entry->personal.count;
    entry->event->event.effects = &entry->effects;
    recent_events_add(journal->recent, &entry->event->event);
    if (entry->transaction != NULL)
        recent_transactions_add(journal->transactions, entry->transaction,
                                entry->event->event.event_id);
}

/* Before the readers are told. */
static void remember_events(struct journal *journal, struct journal_entry *first)
{
    for (struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        if (entry->event != NULL && entry->event->event.position == entry->position)
            remember_event(journal, entry);
        for (size_t i = 0; entry->rewrites_event && i < entry->rooms.count; i++)
            recent_events_rewritten(journal->recent, entry->rooms.nids[i]);
    }
}

static void announce(struct journal *journal, struct arena *arena,
                     const struct journal_entry *first, int64_t position)
{
    struct journal_change change = {.position = position};

    /* Another node committed in between and its notification is still on the way: whoever reads up
     * to our position must look everywhere, or would pass over it. */
    change.everything = first->position > atomic_load(&journal->told) + 1;
    raise_position(journal, position);
    change.room_nids =
        gather(arena, first, offsetof(struct journal_entry, rooms), &change.room_count);
    change.message_room_nids = gather(arena, first, offsetof(struct journal_entry, message_rooms),
                                      &change.message_room_count);
    change.user_nids =
        gather(arena, first, offsetof(struct journal_entry, users), &change.user_count);
    tell_listeners(journal, &change);
}

/* The newest position is read on the writer's thread, which owns the connection. */
static void ask_to_look(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    journal->must_look = true;
    pthread_cond_signal(&journal->queue_not_empty);
    pthread_mutex_unlock(&journal->lock);
}

void journal_notified(struct journal *journal, const char *payload)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct journal_change change = {.from_other_node = true};
    const char *rest;
    char *text;

    if (payload == NULL) {
        ask_to_look(journal);
        return;
    }
    change.position = strtoll(payload, &text, 10);
    if (*text++ != ';' || strncmp(text, journal->node_id, NODE_ID_CHARS) == 0)
        return; /* our own: told already */
    rest = strchr(text, ';');
    if (rest == NULL)
        return;
    change.everything = !parse_list(arena, &rest, ";r", &change.room_nids, &change.room_count);
    /* Each may be missing. */
    (void)parse_list(arena, &rest, ";m", &change.message_room_nids, &change.message_room_count);
    (void)parse_list(arena, &rest, ";u", &change.user_nids, &change.user_count);
    raise_position(journal, change.position);
    tell_listeners(journal, &change);
}

static void settle(struct journal_entry *entry, enum errcode outcome)
{
    struct commit_group *group = entry->group;

    if (entry->on_outcome != NULL)
        entry->on_outcome(entry->outcome_context, outcome, entry->position);
    journal_entry_destroy(entry);
    if (group != NULL)
        commit_group_leave(group, outcome);
}

static enum errcode write_entries(struct journal *journal, struct journal_entry *first)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    int64_t position = 0, run_before = db_statements_run(journal->db);
    enum errcode outcome = journal_write_batch(journal->db, arena, first,
                                               notify_payload(journal, arena, first), &position);

    atomic_fetch_add(&journal->statements_run, db_statements_run(journal->db) - run_before);
    if (outcome == OK) {
        /* Owners learn first (caches become current), then readers are woken. */
        for (struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
            if (entry->on_outcome != NULL)
                entry->on_outcome(entry->outcome_context, OK, entry->position);
            entry->on_outcome = NULL;
        }
        remember_events(journal, first);
        announce(journal, arena, first, position);
    }
    return outcome;
}

static void settle_all(struct journal_entry *first, enum errcode outcome)
{
    while (first != NULL) {
        struct journal_entry *next = first->next;
        settle(first, outcome);
        first = next;
    }
}

/* I6: nothing of a failed batch was visible, so every entry may be tried again alone. */
static void write_one_by_one(struct journal *journal, struct journal_entry *first)
{
    while (first != NULL) {
        struct journal_entry *entry = first;
        first = entry->next;
        entry->next = NULL;
        settle(entry, write_entries(journal, entry));
    }
}

static enum errcode read_position(struct journal *journal)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    TRY(db_query(journal->db, arena, &load_position, NO_PARAMS, &rows));
    raise_position(journal, rows_int(rows, 0, 0));
    return OK;
}

/* Anything may have changed while nobody told us. When the database is still away, the listener
 * will say so again once it is back. */
static void look(struct journal *journal)
{
    if (read_position(journal) != OK)
        return;
    const struct journal_change anything = {
        .position = journal_position(journal), .everything = true, .from_other_node = true};
    tell_listeners(journal, &anything);
}

static void write_entries_of(struct journal *journal, struct journal_entry *first)
{
    enum errcode outcome = write_entries(journal, first);

    /* When the database is away, trying again one by one would only take longer to fail. */
    if (outcome == OK || outcome == E_UNAVAILABLE || first->next == NULL)
        settle_all(first, outcome);
    else
        write_one_by_one(journal, first);
}

static void *run(void *context)
{
    struct journal *journal = context;
    struct journal_entry *first;
    bool must_look;

    do {
        first = take_batch(journal, &must_look);
        if (must_look)
            look(journal);
        if (first != NULL)
            write_entries_of(journal, first);
    } while (first != NULL || must_look);
    return NULL;
}

static void on_notification(void *journal, const char *payload)
{
    journal_notified(journal, payload);
}

enum errcode journal_start(struct journal *journal)
{
    TRY(read_position(journal));
    raise(&journal->told, journal_position(journal));
    if (!thread_start(&journal->thread, "journal", run, journal))
        return E_SYSTEM;
    journal->is_running = true;
    const struct listen_options options = {.conninfo = journal->conninfo,
                                           .listen = &listen_to_nodes,
                                           .callback = on_notification,
                                           .context = journal};
    return listen_notify_create(&options, &journal->listener);
}

void journal_destroy(struct journal *journal)
{
    if (journal == NULL)
        return;
    listen_notify_destroy(journal->listener);
    pthread_mutex_lock(&journal->lock);
    journal->stopping = true;
    pthread_cond_signal(&journal->queue_not_empty);
    pthread_mutex_unlock(&journal->lock);
    if (journal->is_running)
        pthread_join(journal->thread, NULL);
    settle_all(journal->queue_first, E_SHUTDOWN);
    db_destroy(journal->db);
    free(journal->conninfo);
    pthread_cond_destroy(&journal->queue_not_empty);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}
