/* Looking after media: quarantine, protection, deletion, statistics. Synapse's paths and bodies. */
#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/media/media_admin.h"
#include "homeserver/protocol/mxc_uri.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static enum errcode path_media(struct request *req, struct media_selection *selection)
{
    TRY(path_string(req, "serverName", &selection->server_name));
    TRY(path_string(req, "mediaId", &selection->media_id));
    selection->larger_than = -1;
    return OK;
}

static enum errcode carry_out(struct request *req, const struct media_selection *selection,
                              enum media_action action, int64_t *count_out)
{
    const struct media_order order = {.action = action, .by_nid = req->requester.user_nid};

    return media_carry_out(&req->call, selection, &order, count_out);
}

/* For one: it must be there. */
static enum errcode act_on_one(struct request *req, enum media_action action)
{
    struct media_selection selection = {.with_protected = action != MEDIA_QUARANTINE};
    int64_t count;

    TRY(path_media(req, &selection));
    TRY(carry_out(req, &selection, action, &count));
    if (count == 0)
        return fail(&req->error, M_NOT_FOUND, "There is no such media, or it is protected.");
    return respond_empty(req);
}

/* POST /_synapse/admin/v1/media/quarantine/{serverName}/{mediaId} */
enum errcode admin_quarantine_media(struct request *req)
{
    return act_on_one(req, MEDIA_QUARANTINE);
}

/* POST /_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId} */
enum errcode admin_unquarantine_media(struct request *req)
{
    return act_on_one(req, MEDIA_UNQUARANTINE);
}

/* Ours only: the path has no server name. */
static enum errcode act_on_ours(struct request *req, enum media_action action)
{
    struct media_selection selection = {
        .origin = MEDIA_OF_OURS, .larger_than = -1, .with_protected = true};
    int64_t count;

    TRY(path_string(req, "mediaId", &selection.media_id));
    TRY(carry_out(req, &selection, action, &count));
    return count == 0 ? fail(&req->error, M_NOT_FOUND, "There is no such media.")
                      : respond_empty(req);
}

/* POST /_synapse/admin/v1/media/protect/{mediaId} */
enum errcode admin_protect_media(struct request *req)
{
    return act_on_ours(req, MEDIA_PROTECT);
}

/* POST /_synapse/admin/v1/media/unprotect/{mediaId} */
enum errcode admin_unprotect_media(struct request *req)
{
    return act_on_ours(req, MEDIA_UNPROTECT);
}

static enum errcode quarantine_many(struct request *req, const struct media_selection *selection)
{
    int64_t count;

    TRY(carry_out(req, selection, MEDIA_QUARANTINE, &count));
    return respond(req, 200, json_pack("{s:I}", "num_quarantined", (json_int_t)count));
}

/* POST /_synapse/admin/v1/room/{roomId}/media/quarantine */
enum errcode admin_quarantine_media_of_room(struct request *req)
{
    struct media_selection selection = {.larger_than = -1};

    TRY(path_room_id(req, "roomId", &selection.room_id));
    return quarantine_many(req, &selection);
}

/* POST /_synapse/admin/v1/user/{userId}/media/quarantine */
enum errcode admin_quarantine_media_of_user(struct request *req)
{
    struct media_selection selection = {.larger_than = -1};

    TRY(path_user_id(req, "userId", &selection.user_id));
    return quarantine_many(req, &selection);
}

static void add_id(void *context, const struct media_choice *choice)
{
    json_array_append_new(context, json_string(choice->media_id));
}

static enum errcode delete_many(struct request *req, const struct media_selection *selection)
{
    json_t *ids = json_array();
    const struct media_order order = {
        .action = MEDIA_DELETE, .by_nid = req->requester.user_nid, .visit = add_id, .context = ids};
    int64_t count;
    enum errcode outcome = media_carry_out(&req->call, selection, &order, &count);

    if (outcome != OK) {
        json_decref(ids);
        return outcome;
    }
    return respond(req, 200,
                   json_pack("{s:o, s:I}", "deleted_media", ids, "total", (json_int_t)count));
}

/* DELETE /_synapse/admin/v1/media/{serverName}/{mediaId} */
enum errcode admin_delete_media(struct request *req)
{
    struct media_selection selection = {.with_protected = true};

    TRY(path_media(req, &selection));
    return delete_many(req, &selection);
}

/* DELETE /_synapse/admin/v1/users/{userId}/media */
enum errcode admin_delete_media_of_user(struct request *req)
{
    struct media_selection selection = {.larger_than = -1};

    TRY(path_user_id(req, "userId", &selection.user_id));
    return delete_many(req, &selection);
}

static enum errcode query_before(struct request *req, struct media_selection *selection)
{
    TRY(query_int_required(req, "before_ts", 1, &selection->not_accessed_since));
    return query_int(req, "size_gt", -1, -1, INT64_MAX, &selection->larger_than);
}

/* POST /_synapse/admin/v1/media/delete?before_ts=…&size_gt=…&keep_profiles=… */
enum errcode admin_delete_media_by_date(struct request *req)
{
    struct media_selection selection = {.origin = MEDIA_OF_OURS, .without_quarantined = true};

    TRY(query_before(req, &selection));
    TRY(query_bool(req, "keep_profiles", true, &selection.without_avatars));
    return delete_many(req, &selection);
}

/* POST /_synapse/admin/v1/purge_media_cache?before_ts=… */
enum errcode admin_purge_media_cache(struct request *req)
{
    struct media_selection selection = {.origin = MEDIA_OF_OTHERS};
    int64_t count;

    TRY(query_before(req, &selection));
    TRY(carry_out(req, &selection, MEDIA_DELETE, &count));
    return respond(req, 200, json_pack("{s:I}", "deleted", (json_int_t)count));
}

struct uris {
    struct arena *arena;
    json_t *local, *remote;
};

static void add_uri(void *context, const struct media_choice *choice)
{
    struct uris *uris = context;
    const char *uri = mxc_uri_format(uris->arena, choice->server_name, choice->media_id);

    json_array_append_new(choice->is_ours ? uris->local : uris->remote, json_string(uri));
}

/* GET /_synapse/admin/v1/room/{roomId}/media */
enum errcode admin_list_media_of_room(struct request *req)
{
    struct media_selection selection = {.larger_than = -1, .with_protected = true};
    struct uris uris = {.arena = req->call.arena};
    const struct media_order order = {.action = MEDIA_LIST, .visit = add_uri, .context = &uris};

    TRY(path_room_id(req, "roomId", &selection.room_id));
    uris.local = json_array();
    uris.remote = json_array();
    enum errcode outcome = media_carry_out(&req->call, &selection, &order, NULL);
    json_t *answer = json_pack("{s:o, s:o}", "local", uris.local, "remote", uris.remote);
    if (outcome == OK)
        return respond(req, 200, answer);
    json_decref(answer);
    return outcome;
}

static void add_description(void *context, const struct media_choice *choice)
{
    json_array_append_new(context, json_pack("{s:s, s:s, s:s?, s:I, s:I, s:I, s:b, s:b}",
                                             "media_id", choice->media_id, "media_type",
                                             choice->content_type, "upload_name", choice->file_name,
                                             "media_length", (json_int_t)choice->size_bytes,
                                             "created_ts", (json_int_t)choice->created_ts,
                                             "last_access_ts", (json_int_t)choice->accessed_ts,
                                             "quarantined", choice->quarantined_ts != 0,
                                             "safe_from_quarantine", choice->is_protected));
}

/* GET /_synapse/admin/v1/users/{userId}/media */
enum errcode admin_list_media_of_user(struct request *req)
{
    struct media_selection selection = {.larger_than = -1, .with_protected = true};
    struct media_order order = {.action = MEDIA_LIST, .visit = add_description};
    int64_t count;

    TRY(path_user_id(req, "userId", &selection.user_id));
    json_t *list = json_array();
    order.context = list;
    enum errcode outcome = media_carry_out(&req->call, &selection, &order, &count);
    if (outcome == OK)
        return respond(req, 200,
                       json_pack("{s:o, s:I}", "media", list, "total", (json_int_t)count));
    json_decref(list);
    return outcome;
}

/* GET /_synapse/admin/v1/statistics/users/media */
enum errcode admin_get_media_statistics(struct request *req)
{
    struct media_user_page page;
    int64_t from, limit;

    TRY(query_int(req, "from", 0, 0, INT32_MAX, &from));
    TRY(query_int(req, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &limit));
    TRY(media_count_by_user(req->call.db, req->call.arena, from, limit, &page));
    json_t *users = json_array();
    for (size_t i = 0; i < page.count; i++)
        json_array_append_new(users,
                              json_pack("{s:s, s:s?, s:I, s:I}", "user_id", page.totals[i].user_id,
                                        "displayname", page.totals[i].display_name, "media_count",
                                        (json_int_t)page.totals[i].files, "media_length",
                                        (json_int_t)page.totals[i].bytes));
    json_t *answer = json_pack("{s:o, s:I}", "users", users, "total", (json_int_t)page.users);
    if (from + (int64_t)page.count < page.users)
        json_object_set_new(answer, "next_token", json_integer(from + (json_int_t)page.count));
    return respond(req, 200, answer);
}
