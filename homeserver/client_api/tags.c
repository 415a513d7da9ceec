/* Spec: client-server API, "Room Tagging" (tags.yaml). Tags are the account data m.tag of a room.
 */
#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/journal.h"

enum { TAG_BYTES_MAX = 255 };

/* Digits that bring every `order` a client is likely to choose back as it was. */
static const size_t DUMP_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(16);

/* The tags as they were read, and what is needed to write them back. */
struct tags {
    struct account_data_key key;
    int64_t position; /* 0: there were none */
    json_t *content;
    json_t *tags; /* inside content */
};

static enum errcode read_content(struct request *req, struct tags *out)
{
    struct account_data_row row;
    enum errcode found = account_data_load(req->call.db, req->call.arena, &out->key, &row);

    if (found == M_NOT_FOUND) {
        out->content = json_on_arena(req->call.arena, json_object());
        return OK;
    }
    TRY(found);
    out->position = row.position;
    return json_parse_object(req->call.arena, row.content, strlen(row.content), &req->error,
                             &out->content);
}

static enum errcode read_tags(struct request *req, struct tags *out)
{
    const char *room_id;
    struct room *room;

    TRY(path_own_user(req, "Tags can only be read and set for yourself."));
    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_open(&req->call, room_id, &room));
    out->key = (struct account_data_key){req->requester.user_nid, room_nid(room), "m.tag"};
    TRY(read_content(req, out));
    out->tags = json_get_object(out->content, "tags");
    if (out->tags == NULL) {
        out->tags = json_object();
        json_object_set_new(out->content, "tags", out->tags);
    }
    return OK;
}

static enum errcode write_tags(struct request *req, const struct tags *tags)
{
    struct journal_entry *entry;
    char *text;

    if (json_dumpb(tags->content, NULL, 0, DUMP_FLAGS) > ACCOUNT_DATA_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "The tags of a room are limited to %d bytes.",
                    ACCOUNT_DATA_BYTES_MAX);
    text = json_dumps(tags->content, DUMP_FLAGS);
    entry = journal_entry_create();
    account_data_replace_in(entry, &tags->key, text, tags->position);
    free(text);
    journal_entry_wake_user(entry, req->requester.user_nid);
    journal_submit(req->call.services->journal, entry, req->call.commits);
    return respond_empty(req);
}

static enum errcode read_tag_name(struct request *req, const char **out)
{
    TRY(path_string(req, "tag", out));
    if (strlen(*out) > TAG_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "A tag is limited to %d bytes.", TAG_BYTES_MAX);
    return OK;
}

/* GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags */
enum errcode client_get_room_tags(struct request *req)
{
    struct tags tags = {0};

    TRY(read_tags(req, &tags));
    return respond(req, 200, json_pack("{s:O}", "tags", tags.tags));
}

/* PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag} */
enum errcode client_set_room_tag(struct request *req)
{
    struct tags tags = {0};
    const json_t *order;
    const char *tag;

    TRY(read_tag_name(req, &tag));
    order = json_object_get(request_body(req), "order");
    if (order != NULL && !json_is_number(order))
        return fail(&req->error, M_INVALID_PARAM, "`order` must be a number.");
    TRY(read_tags(req, &tags));
    json_object_set(tags.tags, tag, request_body(req));
    return write_tags(req, &tags);
}

/* DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag} */
enum errcode client_delete_room_tag(struct request *req)
{
    struct tags tags = {0};
    const char *tag;

    TRY(read_tag_name(req, &tag));
    TRY(read_tags(req, &tags));
    if (json_object_del(tags.tags, tag) != 0)
        return respond_empty(req);
    return write_tags(req, &tags);
}
