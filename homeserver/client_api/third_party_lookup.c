/*
 * Networks that application services bridge to.
 * Spec: client-server API, "Third-party Networks" (third_party_lookup.yaml).
 */
#include <string.h>

#include "homeserver/appservice/appservice_call.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

/* The query string, without what is for us alone: tokens go nowhere. */
static const char *fields_of(struct request *req)
{
    static const char *const ours[] = {"access_token=", "user_id=", "device_id="};
    const char *start = strchr(req->target, '?');
    struct strbuf out;
    char *copy, *part, *rest;

    if (start == NULL)
        return NULL;
    copy = arena_strdup(req->call.arena, start + 1);
    strbuf_init(&out, 0);
    while ((part = strtok_r(copy, "&", &rest)) != NULL) {
        bool is_ours = false;
        copy = NULL;
        for (size_t i = 0; i < COUNT_OF(ours); i++)
            is_ours |= strncmp(part, ours[i], strlen(ours[i])) == 0;
        if (!is_ours)
            strbuf_printf(&out, "%s%s", out.length > 0 ? "&" : "", part);
    }
    const char *fields = arena_strdup(req->call.arena, out.data);
    strbuf_finish(&out);
    return fields;
}

/* Two bridges to one network are one network with the instances of both. */
static json_t *merge_protocols(const json_t *protocols)
{
    json_t *merged = json_deep_copy(json_array_get(protocols, 0));
    json_t *instances = json_get_array(merged, "instances");

    for (size_t i = 1; i < json_array_size(protocols); i++)
        json_array_extend(instances, json_get_array(json_array_get(protocols, i), "instances"));
    return merged;
}

/* NULL when nobody speaks the protocol, or nobody answers. A new reference. */
static json_t *find_protocol(struct request *req, const char *protocol)
{
    const struct third_party_query query = {.kind = "protocol", .protocol = protocol};
    json_t *answers = json_on_arena(req->call.arena, json_array());

    appservices_query_third_party(&req->call, &query, answers);
    return json_array_size(answers) > 0 ? merge_protocols(answers) : NULL;
}

static enum errcode refuse_protocol(struct request *req, const char *protocol)
{
    return fail(&req->error, M_NOT_FOUND, "This server has no bridge to the network %.100s.",
                protocol);
}

static enum errcode respond_by_protocol(struct request *req, const char *kind)
{
    struct third_party_query query = {.kind = kind, .fields = fields_of(req)};
    json_t *answers = json_on_arena(req->call.arena, json_array());

    TRY(path_string(req, "protocol", &query.protocol));
    if (!appservices_query_third_party(&req->call, &query, answers))
        return refuse_protocol(req, query.protocol);
    return respond(req, 200, json_incref(answers));
}

static enum errcode respond_by_identifier(struct request *req, const char *kind,
                                          const char *parameter)
{
    const struct third_party_query query = {.kind = kind, .fields = fields_of(req)};
    json_t *answers = json_on_arena(req->call.arena, json_array());

    if (query_string(req, parameter) == NULL)
        return fail(&req->error, M_MISSING_PARAM, "%s is required.", parameter);
    appservices_query_third_party(&req->call, &query, answers);
    return respond(req, 200, json_incref(answers));
}

/* GET /_matrix/client/v3/thirdparty/protocols */
enum errcode client_get_protocols(struct request *req)
{
    const struct appservice_set *set = appservices_current(req->call.services->appservices);
    json_t *all = json_on_arena(req->call.arena, json_object());

    for (size_t i = 0; i < set->count; i++) {
        for (size_t j = 0; j < set->items[i].protocol_count; j++) {
            const char *protocol = set->items[i].protocols[j];
            json_t *found =
                json_object_get(all, protocol) == NULL ? find_protocol(req, protocol) : NULL;
            if (found != NULL)
                json_object_set_new(all, protocol, found);
        }
    }
    return respond(req, 200, json_incref(all));
}

/* GET /_matrix/client/v3/thirdparty/protocol/{protocol} */
enum errcode client_get_protocol_metadata(struct request *req)
{
    const char *protocol;

    TRY(path_string(req, "protocol", &protocol));
    json_t *found = find_protocol(req, protocol);
    return found != NULL ? respond(req, 200, found) : refuse_protocol(req, protocol);
}

/* GET /_matrix/client/v3/thirdparty/location/{protocol} */
enum errcode client_query_location_by_protocol(struct request *req)
{
    return respond_by_protocol(req, "location");
}

/* GET /_matrix/client/v3/thirdparty/user/{protocol} */
enum errcode client_query_user_by_protocol(struct request *req)
{
    return respond_by_protocol(req, "user");
}

/* GET /_matrix/client/v3/thirdparty/location */
enum errcode client_query_location_by_alias(struct request *req)
{
    return respond_by_identifier(req, "location", "alias");
}

/* GET /_matrix/client/v3/thirdparty/user */
enum errcode client_query_user_by_id(struct request *req)
{
    return respond_by_identifier(req, "user", "userid");
}
