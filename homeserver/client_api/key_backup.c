/* Spec: client-server API, "Server-side key backups" (key_backup.yaml). */
#include "homeserver/protocol/key_backup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/encryption/backup_keys.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "storage/db.h"
#include "storage/key_backups.h"

enum { ID_BYTES_MAX = 255, ALGORITHM_BYTES_MAX = 255 };

typedef ARRAY_OF(struct key_backup_session) session_array;

/* ── Versions ────────────────────────────────────────────────────────────────────────────────── */

/* 0 for what no version looks like: then there is none of it. */
static int64_t version_of_text(const char *text)
{
    char *end;

    if (*text < '1' || *text > '9' || strlen(text) > 18)
        return 0;
    int64_t version = strtoll(text, &end, 10);
    return *end == '\0' ? version : 0;
}

static enum errcode load_backup(struct request *req, int64_t version, struct key_backup *out)
{
    enum errcode found =
        key_backup_load(req->call.db, req->call.arena, req->requester.user_nid, version, out);

    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no key backup of this version.");
    return found;
}

static enum errcode path_version(struct request *req, int64_t *out)
{
    const char *text;

    TRY(path_string(req, "version", &text));
    *out = version_of_text(text);
    return OK;
}

static enum errcode query_version(struct request *req, int64_t *out)
{
    const char *text = query_string(req, "version");

    if (text == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"version\" must be given.");
    *out = version_of_text(text);
    return OK;
}

static enum errcode respond_backup(struct request *req, const struct key_backup *backup)
{
    struct arena *arena = req->call.arena;
    json_t *auth_data;

    TRY(json_parse(arena, backup->auth_data, strlen(backup->auth_data), NULL, &auth_data));
    return respond(req, 200,
                   json_pack("{s:s, s:O, s:I, s:s, s:s}", "algorithm", backup->algorithm,
                             "auth_data", auth_data, "count", (json_int_t)backup->key_count, "etag",
                             arena_printf(arena, "%" PRId64, backup->etag), "version",
                             arena_printf(arena, "%" PRId64, backup->version)));
}

static enum errcode read_backup(struct request *req, const char **algorithm_out,
                                const char **auth_data_out)
{
    json_t *auth_data;

    TRY(body_string(req, "algorithm", algorithm_out));
    TRY(body_object(req, "auth_data", &auth_data));
    if (strlen(*algorithm_out) > ALGORITHM_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The algorithm's name is too long.");
    const char *text = json_compact(req->call.arena, auth_data);
    if (text == NULL)
        return E_SYSTEM;
    *auth_data_out = text;
    return OK;
}

/* POST /_matrix/client/v3/room_keys/version */
enum errcode client_post_room_keys_version(struct request *req)
{
    const char *algorithm, *auth_data;
    int64_t version;

    TRY(read_backup(req, &algorithm, &auth_data));
    TRY(key_backup_create(req->call.db, req->call.arena, req->requester.user_nid, algorithm,
                          auth_data, &version));
    return respond(
        req, 200,
        json_pack("{s:s}", "version", arena_printf(req->call.arena, "%" PRId64, version)));
}

/* GET /_matrix/client/v3/room_keys/version */
enum errcode client_get_room_keys_version_current(struct request *req)
{
    struct key_backup backup;
    enum errcode found =
        key_backup_load_newest(req->call.db, req->call.arena, req->requester.user_nid, &backup);

    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no key backup.");
    TRY(found);
    return respond_backup(req, &backup);
}

/* GET /_matrix/client/v3/room_keys/version/{version} */
enum errcode client_get_room_keys_version(struct request *req)
{
    struct key_backup backup;
    int64_t version;

    TRY(path_version(req, &version));
    TRY(load_backup(req, version, &backup));
    return respond_backup(req, &backup);
}

/* PUT /_matrix/client/v3/room_keys/version/{version} */
enum errcode client_put_room_keys_version(struct request *req)
{
    const char *algorithm, *auth_data, *text;
    struct key_backup backup;
    int64_t version;

    TRY(path_version(req, &version));
    TRY(read_backup(req, &algorithm, &auth_data));
    TRY(body_string_optional(req, "version", &text));
    if (text != NULL && version_of_text(text) != version)
        return fail(&req->error, M_INVALID_PARAM, "The body is for another version.");
    TRY(load_backup(req, version, &backup));
    if (strcmp(algorithm, backup.algorithm) != 0)
        return fail(&req->error, M_INVALID_PARAM, "The algorithm of a backup can not be changed.");
    TRY(key_backup_set_auth_data(req->call.db, version, auth_data));
    return respond_empty(req);
}

/* DELETE /_matrix/client/v3/room_keys/version/{version} */
enum errcode client_delete_room_keys_version(struct request *req)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    int64_t version;

    TRY(path_version(req, &version));
    TRY(db_begin(req->call.db, &tx));
    enum errcode deleted = key_backup_delete(tx, req->requester.user_nid, version);
    if (deleted == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no key backup of this version.");
    TRY(deleted);
    TRY(db_commit(&tx));
    return respond_empty(req);
}

/* ── Keys: storing ───────────────────────────────────────────────────────────────────────────── */

static enum errcode add_session(struct request *req, session_array *sessions, const char *room_id,
                                const char *session_id, const json_t *data)
{
    struct backed_up_session parsed;

    if (strlen(room_id) > ID_BYTES_MAX || strlen(session_id) > ID_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The ID of a room or session is too long.");
    TRY(backed_up_session_parse(data, &req->error, &parsed));
    const char *text = json_compact(req->call.arena, data);
    if (text == NULL)
        return E_SYSTEM;
    const struct key_backup_session session = {
        .room_id = room_id,
        .session_id = session_id,
        .first_message_index = parsed.first_message_index,
        .forwarded_count = parsed.forwarded_count,
        .is_verified = parsed.is_verified,
        .data = text,
    };
    array_push(req->call.arena, sessions, session);
    return OK;
}

static enum errcode add_room(struct request *req, session_array *sessions, const char *room_id,
                             const json_t *room)
{
    const char *session_id;
    json_t *by_id, *data;

    TRY(json_require_object(room, "sessions", &req->error, &by_id));
    json_object_foreach (by_id, session_id, data) {
        TRY(add_session(req, sessions, room_id, session_id, data));
    }
    return OK;
}

static enum errcode respond_change(struct request *req, const struct key_backup *backup)
{
    return respond(req, 200,
                   json_pack("{s:s, s:I}", "etag",
                             arena_printf(req->call.arena, "%" PRId64, backup->etag), "count",
                             (json_int_t)backup->key_count));
}

static enum errcode put_sessions(struct request *req, const session_array *sessions)
{
    struct key_backup backup;
    int64_t version;

    TRY(query_version(req, &version));
    TRY(backup_keys_put(&req->call, req->requester.user_nid, version, sessions->items,
                        sessions->count, &backup));
    return respond_change(req, &backup);
}

/* PUT /_matrix/client/v3/room_keys/keys */
enum errcode client_put_room_keys(struct request *req)
{
    session_array sessions = {0};
    const char *room_id;
    json_t *rooms, *room;

    TRY(body_object(req, "rooms", &rooms));
    json_object_foreach (rooms, room_id, room) {
        TRY(add_room(req, &sessions, room_id, room));
    }
    return put_sessions(req, &sessions);
}

/* PUT /_matrix/client/v3/room_keys/keys/{roomId} */
enum errcode client_put_room_keys_by_room_id(struct request *req)
{
    session_array sessions = {0};
    const char *room_id;

    TRY(path_string(req, "roomId", &room_id));
    TRY(add_room(req, &sessions, room_id, request_body(req)));
    return put_sessions(req, &sessions);
}

/* PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId} */
enum errcode client_put_room_key_by_session_id(struct request *req)
{
    session_array sessions = {0};
    const char *room_id, *session_id;

    TRY(path_string(req, "roomId", &room_id));
    TRY(path_string(req, "sessionId", &session_id));
    TRY(add_session(req, &sessions, room_id, session_id, request_body(req)));
    return put_sessions(req, &sessions);
}

/* ── Keys: reading ───────────────────────────────────────────────────────────────────────────── */

static enum errcode load_sessions(struct request *req, struct key_backup_scope *scope,
                                  session_array *out)
{
    struct key_backup backup;

    TRY(query_version(req, &scope->version));
    TRY(load_backup(req, scope->version, &backup));
    return key_backup_sessions_load(req->call.db, req->call.arena, scope, &out->items, &out->count);
}

/* room -> `sessions` -> session -> key; borrowed. */
static enum errcode rooms_json(struct request *req, const session_array *sessions, json_t **out)
{
    json_t *rooms = json_on_arena(req->call.arena, json_object());
    json_t *data;

    for (size_t i = 0; i < sessions->count; i++) {
        const struct key_backup_session *session = &sessions->items[i];
        TRY(json_parse(req->call.arena, session->data, strlen(session->data), NULL, &data));
        json_t *room = key_object_obtain(rooms, session->room_id);
        json_object_set(key_object_obtain(room, "sessions"), session->session_id, data);
    }
    *out = rooms;
    return OK;
}

/* GET /_matrix/client/v3/room_keys/keys */
enum errcode client_get_room_keys(struct request *req)
{
    struct key_backup_scope scope = {0};
    session_array sessions = {0};
    json_t *rooms;

    TRY(load_sessions(req, &scope, &sessions));
    TRY(rooms_json(req, &sessions, &rooms));
    return respond(req, 200, json_pack("{s:O}", "rooms", rooms));
}

/* GET /_matrix/client/v3/room_keys/keys/{roomId} */
enum errcode client_get_room_keys_by_room_id(struct request *req)
{
    struct key_backup_scope scope = {0};
    session_array sessions = {0};
    json_t *rooms;

    TRY(path_string(req, "roomId", &scope.room_id));
    TRY(load_sessions(req, &scope, &sessions));
    TRY(rooms_json(req, &sessions, &rooms));
    json_t *room = key_object_obtain(rooms, scope.room_id);
    (void)key_object_obtain(room, "sessions"); /* empty, but there */
    return respond(req, 200, json_incref(room));
}

/* GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId} */
enum errcode client_get_room_key_by_session_id(struct request *req)
{
    struct key_backup_scope scope = {0};
    session_array sessions = {0};

    TRY(path_string(req, "roomId", &scope.room_id));
    TRY(path_string(req, "sessionId", &scope.session_id));
    TRY(load_sessions(req, &scope, &sessions));
    if (sessions.count == 0)
        return fail(&req->error, M_NOT_FOUND, "The backup does not hold this key.");
    return respond_bytes(req, 200, "application/json", strdup(sessions.items[0].data),
                         strlen(sessions.items[0].data));
}

/* ── Keys: deleting ──────────────────────────────────────────────────────────────────────────── */

static enum errcode delete_sessions(struct request *req, struct key_backup_scope *scope)
{
    struct key_backup backup;

    TRY(query_version(req, &scope->version));
    TRY(backup_keys_delete(&req->call, req->requester.user_nid, scope, &backup));
    return respond_change(req, &backup);
}

/* DELETE /_matrix/client/v3/room_keys/keys */
enum errcode client_delete_room_keys(struct request *req)
{
    struct key_backup_scope scope = {0};

    return delete_sessions(req, &scope);
}

/* DELETE /_matrix/client/v3/room_keys/keys/{roomId} */
enum errcode client_delete_room_keys_by_room_id(struct request *req)
{
    struct key_backup_scope scope = {0};

    TRY(path_string(req, "roomId", &scope.room_id));
    return delete_sessions(req, &scope);
}

/* DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId} */
enum errcode client_delete_room_key_by_session_id(struct request *req)
{
    struct key_backup_scope scope = {0};

    TRY(path_string(req, "roomId", &scope.room_id));
    TRY(path_string(req, "sessionId", &scope.session_id));
    return delete_sessions(req, &scope);
}
