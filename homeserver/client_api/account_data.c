/* Spec: client-server API, "Client Config" (account-data.yaml); deletion: MSC3391. */
#include "storage/account_data.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/push/ignored_users.h"
#include "homeserver/push/user_push_rules.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"
#include "storage/journal.h"

/* Kept by the server itself; PUT and DELETE are refused. */
static const char *const server_managed[] = {"m.fully_read", "m.push_rules"};

static enum errcode read_key(struct request *req, struct account_data_key *out)
{
    TRY(path_own_user(req, "Account data can only be read and set for yourself."));
    TRY(path_string(req, "type", &out->type));
    if (strlen(out->type) > ACCOUNT_DATA_TYPE_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The type is longer than %d bytes.",
                    ACCOUNT_DATA_TYPE_BYTES_MAX);
    out->user_nid = req->requester.user_nid;
    out->room_nid = ACCOUNT_DATA_GLOBAL;
    return OK;
}

static enum errcode read_room_key(struct request *req, struct account_data_key *out)
{
    const char *room_id;
    struct room *room;

    TRY(read_key(req, out));
    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_open(&req->call, room_id, &room));
    out->room_nid = room_nid(room);
    return OK;
}

static enum errcode check_not_managed(struct request *req, const char *type)
{
    for (size_t i = 0; i < COUNT_OF(server_managed); i++) {
        if (strcmp(type, server_managed[i]) != 0)
            continue;
        req->error.http_status = 405;
        return fail(&req->error, M_BAD_JSON, "%s has an endpoint of its own.", type);
    }
    return OK;
}

/* New entries only: who has reached the limit may still change what is there. */
static enum errcode check_count(struct request *req, const struct account_data_key *key)
{
    struct account_data_row row;
    int64_t count;
    enum errcode found = account_data_load(req->call.db, req->call.arena, key, &row);

    if (found != M_NOT_FOUND)
        return found;
    TRY(account_data_count(req->call.db, req->call.arena, key->user_nid, &count));
    if (count >= ACCOUNT_DATA_ENTRIES_MAX)
        return fail(&req->error, M_RESOURCE_LIMIT_EXCEEDED,
                    "You have %d entries of account data; there can not be more.",
                    ACCOUNT_DATA_ENTRIES_MAX);
    return OK;
}

static void submit(struct request *req, struct journal_entry *entry)
{
    journal_entry_wake_user(entry, req->requester.user_nid);
    journal_submit(req->call.services->journal, entry, req->call.commits);
}

/* Whom a user ignores decides what notifies them. */
static void note_ignored_users(struct request *req, struct journal_entry *entry,
                               const struct account_data_key *key, json_t *content)
{
    if (key->room_nid == ACCOUNT_DATA_GLOBAL && strcmp(key->type, "m.ignored_user_list") == 0)
        ignored_users_set_in(&req->call, entry, key->user_nid, content);
}

static enum errcode delete_entry(struct request *req, const struct account_data_key *key)
{
    struct journal_entry *entry;

    TRY(check_not_managed(req, key->type));
    entry = journal_entry_create();
    account_data_delete_in(entry, key);
    note_ignored_users(req, entry, key, NULL);
    submit(req, entry);
    return respond_empty(req);
}

static enum errcode set_entry(struct request *req, const struct account_data_key *key)
{
    struct journal_entry *entry;
    const char *bytes;
    size_t size;

    TRY(check_not_managed(req, key->type));
    /* The bytes are kept as they came: writing numbers anew would change some of them. */
    bytes = request_body_bytes(req, &size);
    if (size > ACCOUNT_DATA_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "Account data is limited to %d bytes.",
                    ACCOUNT_DATA_BYTES_MAX);
    if (json_object_size(request_body(req)) == 0)
        return delete_entry(req, key);
    TRY(check_count(req, key));
    entry = journal_entry_create();
    account_data_set_in(entry, key, arena_strndup(req->call.arena, bytes, size));
    note_ignored_users(req, entry, key, request_body(req));
    submit(req, entry);
    return respond_empty(req);
}

static enum errcode get_entry(struct request *req, const struct account_data_key *key)
{
    struct account_data_row row;
    enum errcode found = account_data_load(req->call.db, req->call.arena, key, &row);

    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no account data of this type.");
    TRY(found);
    return respond_bytes(req, 200, "application/json", strdup(row.content), strlen(row.content));
}

static enum errcode get_push_rules(struct request *req)
{
    struct user_push_rules rules;

    TRY(user_push_rules_load(&req->call, req->requester.user_nid, &rules));
    return respond(req, 200, user_push_rules_content(&rules, req->requester.user_id));
}

/* GET /_matrix/client/v3/user/{userId}/account_data/{type} */
enum errcode client_get_account_data(struct request *req)
{
    struct account_data_key key;

    TRY(read_key(req, &key));
    if (strcmp(key.type, "m.push_rules") == 0)
        return get_push_rules(req);
    return get_entry(req, &key);
}

/* PUT /_matrix/client/v3/user/{userId}/account_data/{type} */
enum errcode client_set_account_data(struct request *req)
{
    struct account_data_key key;

    TRY(read_key(req, &key));
    return set_entry(req, &key);
}

/* DELETE /_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type} */
enum errcode client_delete_account_data(struct request *req)
{
    struct account_data_key key;

    TRY(read_key(req, &key));
    return delete_entry(req, &key);
}

/* GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type} */
enum errcode client_get_account_data_per_room(struct request *req)
{
    struct account_data_key key;

    TRY(read_room_key(req, &key));
    return get_entry(req, &key);
}

/* PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type} */
enum errcode client_set_account_data_per_room(struct request *req)
{
    struct account_data_key key;

    TRY(read_room_key(req, &key));
    return set_entry(req, &key);
}

/* DELETE /_matrix/client/unstable/org.matrix.msc3391/user/{userId}/rooms/{roomId}/account_data/
 * {type} */
enum errcode client_delete_account_data_per_room(struct request *req)
{
    struct account_data_key key;

    TRY(read_room_key(req, &key));
    return delete_entry(req, &key);
}
