/* Account data of users, global and per room. */
#include "storage/account_data.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define ACCOUNT_DATA_COLUMNS "room_nid, type, content, is_deleted, position "

enum { LOAD, CHANGED, OF_ROOMS, OF_TYPE, COUNT, SET, DELETE_ENTRY, REPLACE, CREATE };

static const struct db_statement statements[] = {
    [LOAD] = {"account_data_load", "SELECT " ACCOUNT_DATA_COLUMNS "  FROM account_data "
                                   " WHERE user_nid = $1 AND room_nid = $2 AND type = $3"},

    [CHANGED] = {"account_data_changed", "SELECT " ACCOUNT_DATA_COLUMNS "  FROM account_data "
                                         " WHERE user_nid = $1 AND position > $2 "
                                         "   AND position <= $3 AND NOT ($2 = 0 AND is_deleted) "
                                         " ORDER BY position, room_nid, type"},

    [OF_ROOMS] = {"account_data_of_rooms", "SELECT " ACCOUNT_DATA_COLUMNS "  FROM account_data "
                                           " WHERE user_nid = $1 AND room_nid = ANY($2) "
                                           "   AND position <= $3 "
                                           " ORDER BY position, room_nid, type"},

    [OF_TYPE] = {"account_data_of_type", "SELECT " ACCOUNT_DATA_COLUMNS "  FROM account_data "
                                         " WHERE user_nid = $1 AND type = $2 AND NOT is_deleted "
                                         " ORDER BY room_nid"},

    [COUNT] = {"account_data_count", "SELECT count(*) FROM account_data "
                                     " WHERE user_nid = $1 AND NOT is_deleted"},

    [SET] = {"account_data_set",
             "INSERT INTO account_data (user_nid, room_nid, type, content, position) "
             "VALUES ($1, $2, $3, $4, $5) "
             "    ON CONFLICT (user_nid, room_nid, type) DO UPDATE "
             "   SET content = EXCLUDED.content, position = EXCLUDED.position, "
             "       is_deleted = false"},

    [DELETE_ENTRY] = {"account_data_delete",
                      "UPDATE account_data SET content = '{}', is_deleted = true, position = $4 "
                      " WHERE user_nid = $1 AND room_nid = $2 AND type = $3 AND NOT is_deleted"},

    [REPLACE] = {"account_data_replace",
                 "UPDATE account_data SET content = $4, position = $5, is_deleted = false "
                 " WHERE user_nid = $1 AND room_nid = $2 AND type = $3 AND position = $6"},

    [CREATE] = {"account_data_create",
                "INSERT INTO account_data (user_nid, room_nid, type, content, position) "
                "VALUES ($1, $2, $3, $4, $5) "
                "    ON CONFLICT (user_nid, room_nid, type) DO UPDATE "
                "   SET content = EXCLUDED.content, position = EXCLUDED.position, "
                "       is_deleted = false "
                " WHERE account_data.is_deleted"},
};

STATEMENT_TABLE(account_data, statements);

static void read_row(struct db_rows *rows, size_t row, struct account_data_row *out)
{
    *out = (struct account_data_row){
        .room_nid = rows_int(rows, row, 0),
        .type = rows_text(rows, row, 1),
        .content = rows_text(rows, row, 2),
        .is_deleted = rows_bool(rows, row, 3),
        .position = rows_int(rows, row, 4),
    };
}

static void read_all(struct db_rows *rows, struct arena *arena, struct account_data_row **out,
                     size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct account_data_row);
    for (size_t i = 0; i < *count_out; i++)
        read_row(rows, i, &(*out)[i]);
}

enum errcode account_data_load(struct db *db, struct arena *arena,
                               const struct account_data_key *key, struct account_data_row *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD],
                 PARAMS(INT(key->user_nid), INT(key->room_nid), TEXT(key->type)), &rows));
    if (rows_count(rows) == 0 || rows_bool(rows, 0, 3))
        return M_NOT_FOUND;
    read_row(rows, 0, out);
    return OK;
}

enum errcode account_data_changed(struct db *db, struct arena *arena, int64_t user_nid,
                                  struct position_range range, struct account_data_row **out,
                                  size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHANGED],
                 PARAMS(INT(user_nid), INT(range.since), INT(range.until)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode account_data_of_rooms(struct db *db, struct arena *arena,
                                   const struct account_data_rooms *query,
                                   struct account_data_row **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_ROOMS],
                 PARAMS(INT(query->user_nid),
                        INT_ARRAY(query->room_nids.items, query->room_nids.count),
                        INT(query->until)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode account_data_of_type(struct db *db, struct arena *arena,
                                  const struct account_data_key *key, struct account_data_row **out,
                                  size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_TYPE], PARAMS(INT(key->user_nid), TEXT(key->type)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode account_data_count(struct db *db, struct arena *arena, int64_t user_nid, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT], PARAMS(INT(user_nid)), &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

void account_data_set_in(struct journal_entry *entry, const struct account_data_key *key,
                         const char *content)
{
    journal_entry_add(
        entry, &statements[SET],
        PARAMS(INT(key->user_nid), INT(key->room_nid), TEXT(key->type), TEXT(content), POSITION));
}

void account_data_delete_in(struct journal_entry *entry, const struct account_data_key *key)
{
    journal_entry_add(entry, &statements[DELETE_ENTRY],
                      PARAMS(INT(key->user_nid), INT(key->room_nid), TEXT(key->type), POSITION));
}

void account_data_replace_in(struct journal_entry *entry, const struct account_data_key *key,
                             const char *content, int64_t read_position)
{
    if (read_position == 0)
        journal_entry_add_expecting(entry, &statements[CREATE],
                                    PARAMS(INT(key->user_nid), INT(key->room_nid), TEXT(key->type),
                                           TEXT(content), POSITION),
                                    1);
    else
        journal_entry_add_expecting(entry, &statements[REPLACE],
                                    PARAMS(INT(key->user_nid), INT(key->room_nid), TEXT(key->type),
                                           TEXT(content), POSITION, INT(read_position)),
                                    1);
}
