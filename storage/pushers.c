/* Pushers. */
#include "storage/pushers.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { SAVE, DELETE_ONE, OF_USER };

static const struct db_statement statements[] = {
    [SAVE] = {"pusher_save",
              "WITH others AS ( "
              "  DELETE FROM pushers "
              "   WHERE app_id = $3 AND pushkey = $4 AND user_nid <> $1 AND $14) "
              "INSERT INTO pushers (user_nid, device_id, app_id, pushkey, kind, app_display_name, "
              "                     device_display_name, profile_tag, lang, data, pushkey_ts, "
              "                     last_position, enabled) "
              "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $15 "
              " WHERE (SELECT count(*) FROM pushers "
              "         WHERE user_nid = $1 AND NOT (app_id = $3 AND pushkey = $4)) < $13 "
              "    ON CONFLICT (app_id, pushkey, user_nid) DO UPDATE "
              "   SET device_id = EXCLUDED.device_id, kind = EXCLUDED.kind, "
              "       app_display_name = EXCLUDED.app_display_name, "
              "       device_display_name = EXCLUDED.device_display_name, "
              "       profile_tag = EXCLUDED.profile_tag, lang = EXCLUDED.lang, "
              "       data = EXCLUDED.data, pushkey_ts = EXCLUDED.pushkey_ts, "
              "       enabled = EXCLUDED.enabled, "
              "       last_position = CASE WHEN pushers.enabled THEN pushers.last_position "
              "                            ELSE EXCLUDED.last_position END, "
              "       failing_since_ts = NULL, next_try_ts = 0 "
              "RETURNING pusher_nid"},

    [DELETE_ONE] = {"pusher_delete", "DELETE FROM pushers "
                                     " WHERE user_nid = $1 AND app_id = $2 AND pushkey = $3"},

    [OF_USER] = {"pushers_of_user",
                 "SELECT pusher_nid, user_nid, device_id, app_id, pushkey, kind, "
                 "       app_display_name, device_display_name, profile_tag, lang, data, "
                 "       pushkey_ts, last_position, enabled "
                 "  FROM pushers "
                 " WHERE user_nid = $1 "
                 " ORDER BY pusher_nid"},
};

STATEMENT_TABLE(pushers, statements);

enum errcode pusher_save(struct db *db, struct arena *arena, const struct pusher *pusher,
                         bool only_one)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SAVE],
                 PARAMS(INT(pusher->user_nid), TEXT(pusher->device_id), TEXT(pusher->app_id),
                        TEXT(pusher->pushkey), TEXT(pusher->kind), TEXT(pusher->app_display_name),
                        TEXT(pusher->device_display_name), TEXT(pusher->profile_tag),
                        TEXT(pusher->lang), TEXT(pusher->data), INT(pusher->pushkey_ts),
                        INT(pusher->last_position), INT(PUSHERS_PER_USER_MAX), BOOL(only_one),
                        BOOL(pusher->is_enabled)),
                 &rows));
    return rows_count(rows) > 0 ? OK : M_RESOURCE_LIMIT_EXCEEDED;
}

enum errcode pusher_delete(struct db *db, int64_t user_nid, const char *app_id, const char *pushkey)
{
    return db_execute(db, &statements[DELETE_ONE],
                      PARAMS(INT(user_nid), TEXT(app_id), TEXT(pushkey)), NULL);
}

enum errcode pushers_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                             struct pusher **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USER], PARAMS(INT(user_nid)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct pusher);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct pusher){
            .pusher_nid = rows_int(rows, i, 0),
            .user_nid = rows_int(rows, i, 1),
            .device_id = rows_text(rows, i, 2),
            .app_id = rows_text(rows, i, 3),
            .pushkey = rows_text(rows, i, 4),
            .kind = rows_text(rows, i, 5),
            .app_display_name = rows_text(rows, i, 6),
            .device_display_name = rows_text(rows, i, 7),
            .profile_tag = rows_text(rows, i, 8),
            .lang = rows_text(rows, i, 9),
            .data = rows_text(rows, i, 10),
            .pushkey_ts = rows_int(rows, i, 11),
            .last_position = rows_int(rows, i, 12),
            .is_enabled = rows_bool(rows, i, 13),
        };
    }
    return OK;
}
