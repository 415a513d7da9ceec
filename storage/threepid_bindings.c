/* Where users have bound their addresses. */
#include "storage/threepid_bindings.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { INSERT, DELETE, LOAD };

static const struct db_statement statements[] = {
    [INSERT] = {"threepid_bindings_insert",
                "INSERT INTO threepid_bindings (user_nid, medium, address, id_server) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"},

    [DELETE] = {"threepid_bindings_delete",
                "DELETE FROM threepid_bindings "
                " WHERE user_nid = $1 AND medium = $2 AND address = $3 AND id_server = $4"},

    [LOAD] = {"threepid_bindings_load", "SELECT medium, address, id_server FROM threepid_bindings "
                                        " WHERE user_nid = $1 "
                                        " ORDER BY medium, address, id_server"},
};
STATEMENT_TABLE(threepid_bindings, statements);

static enum errcode change(struct db *db, const struct db_statement *statement, int64_t user_nid,
                           const struct threepid_binding *binding)
{
    return db_execute(db, statement,
                      PARAMS(INT(user_nid), TEXT(binding->medium), TEXT(binding->address),
                             TEXT(binding->id_server)),
                      NULL);
}

enum errcode threepid_binding_insert(struct db *db, int64_t user_nid,
                                     const struct threepid_binding *binding)
{
    return change(db, &statements[INSERT], user_nid, binding);
}

enum errcode threepid_binding_delete(struct db *db, int64_t user_nid,
                                     const struct threepid_binding *binding)
{
    return change(db, &statements[DELETE], user_nid, binding);
}

enum errcode threepid_bindings_load(struct db *db, struct arena *arena, int64_t user_nid,
                                    const struct threepid_binding **out, size_t *count_out)
{
    struct threepid_binding *bindings;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    *count_out = rows_count(rows);
    bindings = ARENA_ARRAY(arena, *count_out, struct threepid_binding);
    for (size_t row = 0; row < *count_out; row++) {
        bindings[row] = (struct threepid_binding){
            .medium = rows_text(rows, row, 0),
            .address = rows_text(rows, row, 1),
            .id_server = rows_text(rows, row, 2),
        };
    }
    *out = bindings;
    return OK;
}
