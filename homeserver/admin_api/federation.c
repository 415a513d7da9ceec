/* Other servers: which of them do not answer, what waits for them, and trying them again. */
#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/sender/sender.h"
#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/destinations.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, FROM_MAX = 1000000 };

static json_t *number_or_null(int64_t value)
{
    return value != 0 ? json_integer(value) : json_null();
}

/* The first five as Synapse has them, the others ours. */
static json_t *report_json(struct request *req, const struct destination_report *report)
{
    const struct stored_destination *health = &report->health;
    bool is_failing = health->failing_since_ts != 0;
    int64_t tried_ts = is_failing ? health->retry_ts - health->retry_interval_ms : 0;
    json_t *json = json_on_arena(req->call.arena, json_object());

    json_object_set_new(json, "destination", json_string(report->server_name));
    json_object_set_new(json, "retry_last_ts", json_integer(tried_ts > 0 ? tried_ts : 0));
    json_object_set_new(json, "retry_interval", json_integer(health->retry_interval_ms));
    json_object_set_new(json, "failure_ts", number_or_null(health->failing_since_ts));
    json_object_set_new(json, "last_successful_stream_ordering",
                        number_or_null(report->sent_position));
    json_object_set_new(json, "next_retry_ts", number_or_null(is_failing ? health->retry_ts : 0));
    json_object_set_new(json, "last_error",
                        is_failing && report->last_error != NULL ? json_string(report->last_error)
                                                                 : json_null());
    json_object_set_new(json, "last_success_ts", number_or_null(report->sent_ts));
    json_object_set_new(json, "waiting_since_ts", number_or_null(report->waiting_since_ts));
    json_object_set_new(json, "events_behind", json_integer(report->events_behind));
    json_object_set_new(json, "is_waiting", json_boolean(report->is_waiting));
    json_object_set_new(json, "is_allowed",
                        json_boolean(federation_allows(config_current(req->call.services->config),
                                                       report->server_name, NULL)));
    return json;
}

/* GET /_synapse/admin/v1/federation/destinations */
enum errcode admin_list_destinations(struct request *req)
{
    struct destination_query query = {.contains = query_string(req, "destination")};
    json_t *list = json_on_arena(req->call.arena, json_array()), *answer;
    struct destination_report *reports;
    int64_t total;
    size_t count;

    TRY(query_int(req, "from", 0, 0, FROM_MAX, &query.from));
    TRY(query_int(req, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &query.limit));
    TRY(query_bool(req, "failing", false, &query.only_failing));
    TRY(destinations_count(req->call.db, req->call.arena, &query, &total));
    TRY(destinations_report(req->call.db, req->call.arena, &query, &reports, &count));
    for (size_t i = 0; i < count; i++)
        json_array_append(list, report_json(req, &reports[i]));
    answer = json_pack("{sO,sI}", "destinations", list, "total", (json_int_t)total);
    int64_t next = query.from + (int64_t)count;
    if (next < total)
        json_object_set_new(answer, "next_token",
                            json_string(arena_printf(req->call.arena, "%lld", (long long)next)));
    return respond(req, 200, answer);
}

static enum errcode load(struct request *req, struct destination_report **out)
{
    struct destination_query query = {.limit = 1};
    size_t count;

    TRY(path_string(req, "destination", &query.name));
    TRY(destinations_report(req->call.db, req->call.arena, &query, out, &count));
    if (count == 0)
        return fail(&req->error, M_NOT_FOUND, "This server never had to do with that one.");
    return OK;
}

/* GET /_synapse/admin/v1/federation/destinations/{destination} */
enum errcode admin_get_destination(struct request *req)
{
    struct destination_report *report;

    TRY(load(req, &report));
    return respond(req, 200, json_incref(report_json(req, report)));
}

/* POST /_synapse/admin/v1/federation/destinations/{destination}/reset_connection */
enum errcode admin_reset_destination(struct request *req)
{
    struct destination_report *report;
    bool was_failing;

    TRY(load(req, &report));
    TRY(destination_ask_retry(req->call.db, report->server_name, &was_failing));
    if (!was_failing)
        return fail(&req->error, M_UNKNOWN, "That server counts as answering.");
    /* The process that sends hears of it within ten seconds; this one at once. */
    federation_sender_peer_spoke(req->call.services->sender, report->server_name);
    return respond(req, 200, json_object());
}
