/*
 * Rows that many entries of a batch add to one table: one statement for all of them, which takes an
 * array for each column.
 */
#include <assert.h>

#include "homeserver/base/arena.h"
#include "storage/journal_internal.h"

/* The rows of one statement. */
struct row_group {
    struct row_group *next;
    const struct db_statement *statement;
    size_t param_count;
    size_t count;
    struct db_param *columns; /* arrays */
};

static enum db_param_kind array_kind(enum db_param_kind kind)
{
    switch (kind) {
    case DB_TEXT:
        return DB_TEXT_ARRAY;
    case DB_INT:
        return DB_INT_ARRAY;
    case DB_BOOL:
        return DB_BOOL_ARRAY;
    case DB_BYTES:
        return DB_BYTES_ARRAY;
    case DB_DOUBLE:
    case DB_TEXT_ARRAY:
    case DB_INT_ARRAY:
    case DB_BOOL_ARRAY:
    case DB_BYTES_ARRAY:
        break;
    }
    abort(); /* see journal_entry_add_row() */
}

static size_t item_size(enum db_param_kind array)
{
    if (array == DB_INT_ARRAY)
        return sizeof(int64_t);
    return array == DB_BOOL_ARRAY ? sizeof(bool) : sizeof(void *);
}

static struct row_group *add_group(struct arena *arena, struct row_group **groups,
                                   const struct entry_statement *row)
{
    struct row_group **place = groups;

    while (*place != NULL && (*place)->statement != row->statement)
        place = &(*place)->next;
    if (*place == NULL) {
        *place = ARENA_NEW(arena, struct row_group);
        (*place)->statement = row->statement;
        (*place)->param_count = row->param_count;
    }
    return *place;
}

static void allocate_columns(struct arena *arena, struct row_group *group,
                             const struct entry_statement *row)
{
    group->columns = ARENA_ARRAY(arena, group->param_count, struct db_param);
    for (size_t i = 0; i < group->param_count; i++) {
        enum db_param_kind kind = array_kind(row->params[i].kind);
        group->columns[i] = (struct db_param){
            .kind = kind,
            .data = arena_alloc(arena, group->count * item_size(kind)),
            .sizes = kind == DB_BYTES_ARRAY ? ARENA_ARRAY(arena, group->count, size_t) : NULL,
        };
    }
}

/* The arrays are ours until they are sent: db_param only borrows. */
static void set_item(struct db_param *column, const struct db_param *param, int64_t position)
{
    size_t i = column->size++;

    assert(array_kind(param->kind) == column->kind);
    switch (column->kind) {
    case DB_INT_ARRAY:
        assert(!param->is_null);
        ((int64_t *)(uintptr_t)column->data)[i] =
            param->number == JOURNAL_POSITION_MARK ? position : param->number;
        return;
    case DB_BOOL_ARRAY:
        ((bool *)(uintptr_t)column->data)[i] = param->number != 0;
        return;
    case DB_BYTES_ARRAY:
        ((size_t *)(uintptr_t)column->sizes)[i] = param->size;
        break;
    case DB_TEXT_ARRAY:
    case DB_TEXT:
    case DB_INT:
    case DB_BOOL:
    case DB_DOUBLE:
    case DB_BYTES:
        break;
    }
    ((const void **)(uintptr_t)column->data)[i] = param->is_null ? NULL : param->data;
}

static void fill_groups(struct arena *arena, struct row_group **groups,
                        const struct journal_entry *first)
{
    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        for (const struct entry_statement *row = entry->rows.first; row != NULL; row = row->next) {
            struct row_group *group = add_group(arena, groups, row);
            if (group->columns == NULL)
                allocate_columns(arena, group, row);
            for (size_t i = 0; i < group->param_count; i++)
                set_item(&group->columns[i], &row->params[i], entry->position);
        }
    }
}

enum errcode journal_pipeline_rows(struct db *db, struct arena *arena,
                                   const struct journal_entry *first)
{
    struct row_group *groups = NULL;

    for (const struct journal_entry *entry = first; entry != NULL; entry = entry->next) {
        for (const struct entry_statement *row = entry->rows.first; row != NULL; row = row->next)
            add_group(arena, &groups, row)->count++;
    }
    fill_groups(arena, &groups, first);
    for (const struct row_group *group = groups; group != NULL; group = group->next) {
        const struct db_params params = {group->columns, group->param_count};
        TRY(db_pipeline_add(db, group->statement, params, NULL));
    }
    return OK;
}
