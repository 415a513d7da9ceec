/* Building an entry: every part is copied to the entry's own arena. */
#include "homeserver/base/arena.h"
#include "storage/client_transactions.h"
#include "storage/journal_internal.h"

struct journal_entry *journal_entry_create(void)
{
    struct arena *arena = arena_create();
    struct journal_entry *entry = ARENA_NEW(arena, struct journal_entry);

    entry->arena = arena;
    return entry;
}

void journal_entry_destroy(struct journal_entry *entry)
{
    if (entry != NULL)
        arena_destroy(entry->arena);
}

void journal_entry_abandon(struct journal_entry *entry)
{
    if (entry->on_outcome != NULL)
        entry->on_outcome(entry->outcome_context, E_CONFLICT, 0);
    journal_entry_destroy(entry);
}

struct arena *journal_entry_arena(struct journal_entry *entry)
{
    return entry->arena;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static void copy_text_array(struct arena *arena, struct db_param *param)
{
    const char *const *texts = param->data;
    const char **copies = ARENA_ARRAY(arena, param->size, const char *);

    for (size_t i = 0; i < param->size; i++)
        copies[i] = copy_text(arena, texts[i]);
    param->data = copies;
}

static void copy_bytes_array(struct arena *arena, struct db_param *param)
{
    const void *const *items = param->data;
    const void **copies = ARENA_ARRAY(arena, param->size, const void *);

    for (size_t i = 0; i < param->size; i++)
        copies[i] = items[i] != NULL ? arena_memdup(arena, items[i], param->sizes[i]) : NULL;
    param->data = copies;
    param->sizes = arena_memdup(arena, param->sizes, param->size * sizeof(*param->sizes));
}

static void copy_param(struct arena *arena, struct db_param *param)
{
    if (param->is_null || param->data == NULL)
        return;
    switch (param->kind) {
    case DB_TEXT:
        param->data = arena_strdup(arena, param->data);
        break;
    case DB_BYTES:
        param->data = arena_memdup(arena, param->data, param->size);
        break;
    case DB_TEXT_ARRAY:
        copy_text_array(arena, param);
        break;
    case DB_INT_ARRAY:
        param->data = arena_memdup(arena, param->data, param->size * sizeof(int64_t));
        break;
    case DB_BOOL_ARRAY:
        param->data = arena_memdup(arena, param->data, param->size * sizeof(bool));
        break;
    case DB_BYTES_ARRAY:
        copy_bytes_array(arena, param);
        break;
    case DB_INT:
    case DB_BOOL:
    case DB_DOUBLE:
        break;
    }
}

static struct entry_statement *add(struct journal_entry *entry, struct statement_list *list,
                                   const struct db_statement *statement, struct db_params params)
{
    struct entry_statement *added = ARENA_NEW(entry->arena, struct entry_statement);
    size_t before = arena_bytes_used(entry->arena);

    added->statement = statement;
    added->param_count = params.count;
    added->params =
        arena_memdup(entry->arena, params.items, params.count * sizeof(struct db_param));
    for (size_t i = 0; i < params.count; i++)
        copy_param(entry->arena, &added->params[i]);
    if (list->last != NULL)
        list->last->next = added;
    else
        list->first = added;
    list->last = added;
    entry->bytes += arena_bytes_used(entry->arena) - before;
    return added;
}

void journal_entry_add_expecting(struct journal_entry *entry, const struct db_statement *statement,
                                 struct db_params params, int64_t rows)
{
    add(entry, &entry->statements, statement, params)->expected_rows = rows;
}

void journal_entry_add(struct journal_entry *entry, const struct db_statement *statement,
                       struct db_params params)
{
    journal_entry_add_expecting(entry, statement, params, -1);
}

void journal_entry_add_row(struct journal_entry *entry, const struct db_statement *statement,
                           struct db_params values)
{
    add(entry, &entry->rows, statement, values);
}

void journal_entry_set_event(struct journal_entry *entry, const struct new_event *event)
{
    struct arena *arena = entry->arena;
    struct new_event *copy = arena_memdup(arena, event, sizeof(*event));

    copy->event.event_id = arena_strdup(arena, event->event.event_id);
    copy->event.json = arena_memdup(arena, event->event.json, event->event.json_size);
    copy->head.extremities = copy_text(arena, event->head.extremities);
    entry->event = copy;
    entry->bytes += event->event.json_size;
}

void journal_entry_note_personal(struct journal_entry *entry, int64_t user_nid, unsigned flags)
{
    array_push(entry->arena, &entry->personal, ((struct personal_action){user_nid, flags}));
}

void journal_entry_note_thread(struct journal_entry *entry, const char *root_event_id)
{
    entry->effects.thread = arena_strdup(entry->arena, root_event_id);
}

void journal_entry_note_transaction(struct journal_entry *entry,
                                    const struct client_transaction *transaction)
{
    struct client_transaction *copy = arena_memdup(entry->arena, transaction, sizeof(*transaction));

    copy->device_id = arena_strdup(entry->arena, transaction->device_id);
    copy->txn_key = arena_strdup(entry->arena, transaction->txn_key);
    entry->transaction = copy;
    entry->effects.transaction_device_id = copy->device_id;
    entry->effects.transaction_id = client_transaction_id(copy);
}

void journal_entry_rewrites_event(struct journal_entry *entry)
{
    entry->rewrites_event = true;
}

void journal_entry_on_outcome(struct journal_entry *entry, journal_outcome callback, void *context)
{
    entry->on_outcome = callback;
    entry->outcome_context = context;
}

static void wake_list_add(struct arena *arena, struct wake_list *list, int64_t nid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 4;
        int64_t *nids = ARENA_ARRAY(arena, capacity, int64_t);
        if (list->count > 0)
            memcpy(nids, list->nids, list->count * sizeof(*nids));
        list->nids = nids;
        list->capacity = capacity;
    }
    list->nids[list->count++] = nid;
}

void journal_entry_wake_room(struct journal_entry *entry, int64_t room_nid)
{
    wake_list_add(entry->arena, &entry->rooms, room_nid);
}

void journal_entry_wake_room_for_message(struct journal_entry *entry, int64_t room_nid)
{
    wake_list_add(entry->arena, &entry->message_rooms, room_nid);
}

void journal_entry_wake_user(struct journal_entry *entry, int64_t user_nid)
{
    wake_list_add(entry->arena, &entry->users, user_nid);
}
