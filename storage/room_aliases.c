/* Aliases of hosted domains. */
#include "storage/room_aliases.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { LOAD, OF_ROOM, CREATE, DELETE_ALIAS, MOVE };

static const struct db_statement statements[] = {
    [LOAD] = {"room_alias_load", "SELECT a.alias, a.room_nid, r.room_id, a.creator_nid "
                                 "  FROM room_aliases a JOIN rooms r USING (room_nid) "
                                 " WHERE a.alias = $1 AND NOT r.is_deleted"},

    [OF_ROOM] = {"room_aliases_of_room", "SELECT alias FROM room_aliases "
                                         " WHERE room_nid = $1 "
                                         " ORDER BY alias"},

    [CREATE] = {"room_alias_create",
                "INSERT INTO room_aliases (alias, room_nid, creator_nid, created_ts) "
                "VALUES ($1, $2, $3, $4)"},

    [DELETE_ALIAS] = {"room_alias_delete", "DELETE FROM room_aliases WHERE alias = $1"},

    [MOVE] = {"room_aliases_move", "UPDATE room_aliases SET room_nid = $2 WHERE room_nid = $1"},
};

STATEMENT_TABLE(room_aliases, statements);

enum errcode room_alias_load(struct db *db, struct arena *arena, const char *alias,
                             struct room_alias *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(alias)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct room_alias){
        .alias = rows_text(rows, 0, 0),
        .room_nid = rows_int(rows, 0, 1),
        .room_id = rows_text(rows, 0, 2),
        .creator_nid = rows_int(rows, 0, 3),
    };
    return OK;
}

enum errcode room_aliases_of_room(struct db *db, struct arena *arena, int64_t room_nid,
                                  const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_ROOM], PARAMS(INT(room_nid)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}

enum errcode room_alias_create(struct db *db, const struct room_alias *alias, int64_t now_ms)
{
    enum errcode created = db_execute(
        db, &statements[CREATE],
        PARAMS(TEXT(alias->alias), INT(alias->room_nid), INT(alias->creator_nid), INT(now_ms)),
        NULL);

    return created == E_CONFLICT ? M_ROOM_IN_USE : created;
}

void room_alias_create_in(struct journal_entry *entry, const struct room_alias *alias,
                          int64_t now_ms)
{
    journal_entry_add(
        entry, &statements[CREATE],
        PARAMS(TEXT(alias->alias), INT(alias->room_nid), INT(alias->creator_nid), INT(now_ms)));
}

enum errcode room_alias_delete(struct db *db, const char *alias)
{
    int64_t deleted;

    TRY(db_execute(db, &statements[DELETE_ALIAS], PARAMS(TEXT(alias)), &deleted));
    return deleted > 0 ? OK : M_NOT_FOUND;
}

void room_aliases_move_in(struct journal_entry *entry, int64_t from_room_nid, int64_t to_room_nid)
{
    journal_entry_add(entry, &statements[MOVE], PARAMS(INT(from_room_nid), INT(to_room_nid)));
}
