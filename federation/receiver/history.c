/* Fetching history, a stretch at a time, from the holes of the graph backwards. */
#include "federation/receiver/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/fetch_many.h"
#include "federation/receiver/missing_events.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/missing_prev_events.h"

enum {
    STRETCHES_MAX = 5,
    EVENTS_AT_ONCE = 100,
    HOLES_ASKED_MAX = 20,
    SERVERS_ASKED_MAX = 3,
    APPROACH_STRETCHES_MAX = 10,
    TIMESTAMP_TIMEOUT_MS = 10 * 1000,
};

struct fetching {
    struct call *call;
    struct room *room;
    const char *own_domain;
    const char **servers;
    size_t server_count;
};

static enum errcode list_servers(struct fetching *f)
{
    const struct config *config = config_current(f->call->services->config);
    size_t kept = 0;

    TRY(memberships_servers(f->call->db, f->call->arena, room_nid(f->room), &f->servers,
                            &f->server_count));
    for (size_t i = 0; i < f->server_count && kept < SERVERS_ASKED_MAX; i++) {
        if (!config_hosts(config, f->servers[i]))
            f->servers[kept++] = f->servers[i];
    }
    f->server_count = kept;
    return OK;
}

static const char *make_target(const struct fetching *f, const struct event_hole *holes,
                               size_t count)
{
    struct strbuf target;

    strbuf_init(&target, 0);
    strbuf_add_string(
        &target,
        federation_target(f->call->arena, "/_matrix/federation/v1/backfill/%s?", room_id(f->room)));
    strbuf_printf(&target, "limit=%d", EVENTS_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_string(&target, "&v=");
        strbuf_add_string(&target, federation_encode(f->call->arena, holes[i].prev_id));
    }
    const char *copy = arena_strndup(f->call->arena, target.data, target.length);
    strbuf_finish(&target);
    return copy;
}

static int compare_depth(const void *a, const void *b)
{
    const struct event *left = pdu_signed_event(*(const struct pdu_signed *const *)a);
    const struct event *right = pdu_signed_event(*(const struct pdu_signed *const *)b);

    return (left->depth > right->depth) - (left->depth < right->depth);
}

/* The oldest first, each before those built on it; the newest gets the highest position. */
static enum errcode store(struct fetching *f, const char *server_name,
                          const struct pdu_signed **pdus, size_t count, size_t *stored_out)
{
    const struct event_origin origin = {room_id(f->room), server_name};
    size_t kept = 0;
    int64_t first;

    for (size_t i = 0; i < count; i++) {
        if (pdus[i] != NULL)
            pdus[kept++] = pdus[i];
    }
    qsort(pdus, kept, sizeof(*pdus), compare_depth);
    *stored_out = 0;
    if (kept == 0)
        return OK;
    TRY(history_positions_take(f->call->db, f->call->arena, (int64_t)kept, &first));
    for (size_t i = 0; i < kept; i++) {
        const struct reception reception = {
            .pdu = pdus[i],
            .is_history = true,
            .history_position = first - (int64_t)(kept - 1 - i),
        };
        struct received received;
        enum errcode outcome = receive_history(f->call, &origin, &reception, &received);
        if (errcode_is_internal(outcome))
            return outcome;
        if (outcome == OK && received.result == RECEPTION_ACCEPTED)
            (*stored_out)++;
    }
    error_clear(f->call->error);
    return commit_group_wait(f->call->commits);
}

/* `event_id`: only this one is wanted; NULL: whatever comes. */
static enum errcode ask(struct fetching *f, const char *server_name, const char *target,
                        const char *event_id, size_t *stored_out)
{
    struct error why = {0};
    struct call own = *f->call;
    const struct federation_request request = {
        .method = "GET",
        .origin = f->own_domain,
        .destination = server_name,
        .target = target,
    };
    const struct pdu_signed **pdus;
    json_t *answer;
    size_t count;

    own.error = &why;
    *stored_out = 0;
    if (federation_fetch(&own, &request, &answer) != OK) {
        log_info(LOG_FEDERATION, "%s has no history of %s: %s", server_name, room_id(f->room),
                 why.text);
        return OK;
    }
    json_t *events = json_get_array(answer, "pdus");
    if (json_array_size(events) == 0 || json_array_size(events) > EVENTS_AT_ONCE)
        return OK;
    const struct pdu_batch batch = {
        .version = room_version_of(f->room),
        .room_id = room_id(f->room),
        .pdus = events,
        .is_history = true,
    };
    TRY(pdus_verify(f->call, &batch, &pdus, &count));
    for (size_t i = 0; event_id != NULL && i < count; i++) {
        if (pdus[i] != NULL && strcmp(pdu_signed_event(pdus[i])->event_id, event_id) != 0)
            pdus[i] = NULL;
    }
    return store(f, server_name, pdus, count, stored_out);
}

/* One stretch from the first server that has it. */
static enum errcode fetch_stretch(struct fetching *f, size_t *stored_out)
{
    struct event_hole *holes;
    size_t count;

    *stored_out = 0;
    TRY(missing_prev_events_list(f->call->db, f->call->arena, room_nid(f->room), HOLES_ASKED_MAX,
                                 &holes, &count));
    if (count == 0)
        return OK;
    const char *target = make_target(f, holes, count);
    for (size_t i = 0; i < f->server_count && *stored_out == 0; i++)
        TRY(ask(f, f->servers[i], target, NULL, stored_out));
    return OK;
}

static enum errcode count_known(struct call *call, const struct history_wish *wish, int64_t *out)
{
    const struct event_range range = {
        .room_nid = room_nid(wish->room),
        .after = INT64_MIN,
        .until = wish->before,
        .limit = wish->count,
        .backwards = true,
    };
    struct stored_event *events;
    size_t count;

    TRY(events_in_range(call->db, call->arena, &range, &events, &count));
    *out = (int64_t)count;
    return OK;
}

enum errcode history_obtain(struct call *call, const struct history_wish *wish, bool *has_more_out)
{
    struct fetching f = {.call = call, .room = wish->room};
    struct event_hole *holes;
    size_t hole_count, stored = 1;
    int64_t known = 0;

    *has_more_out = false;
    TRY(missing_prev_events_list(call->db, call->arena, room_nid(wish->room), 1, &holes,
                                 &hole_count));
    if (hole_count == 0)
        return OK;
    TRY(count_known(call, wish, &known));
    if (known >= wish->count)
        return OK; /* the page is full anyway */
    TRY(list_servers(&f));
    TRY(remote_room_own_domain(call, wish->room, &f.own_domain));
    for (int i = 0; i < STRETCHES_MAX && known < wish->count && stored > 0; i++) {
        TRY(fetch_stretch(&f, &stored));
        TRY(count_known(call, wish, &known));
    }
    TRY(missing_prev_events_list(call->db, call->arena, room_nid(wish->room), 1, &holes,
                                 &hole_count));
    *has_more_out = hole_count > 0 && stored > 0;
    return OK;
}

/* An event that another server found. */
struct closer_event {
    const char *server_name; /* NULL: none did */
    const char *event_id;
    int64_t ts;
};

static bool is_closer(const struct timestamp_wish *wish, int64_t ts, bool has_other,
                      int64_t other_ts)
{
    if (wish->backwards)
        return ts <= wish->ts && (!has_other || ts > other_ts);
    return ts >= wish->ts && (!has_other || ts < other_ts);
}

static enum errcode ask_closest(struct fetching *f, const struct timestamp_wish *wish,
                                struct closer_event *out)
{
    struct federation_question questions[SERVERS_ASKED_MAX] = {0};
    struct arena *arena = f->call->arena;

    for (size_t i = 0; i < f->server_count; i++) {
        questions[i].request = (struct federation_request){
            .method = "GET",
            .origin = f->own_domain,
            .destination = f->servers[i],
            .target = arena_printf(arena, "%s?ts=%" PRId64 "&dir=%c",
                                   federation_target(arena,
                                                     "/_matrix/federation/v1/timestamp_to_event/%s",
                                                     room_id(f->room)),
                                   wish->ts, wish->backwards ? 'b' : 'f'),
            .timeout_ms = TIMESTAMP_TIMEOUT_MS,
        };
    }
    TRY(federation_fetch_many(f->call, questions, f->server_count));
    *out = (struct closer_event){0};
    for (size_t i = 0; i < f->server_count; i++) {
        const char *event_id = json_get_string(questions[i].answer, "event_id");
        int64_t ts;
        if (event_id_is_valid(event_id) &&
            json_get_int(questions[i].answer, "origin_server_ts", &ts) &&
            is_closer(wish, ts, wish->has_known, wish->known_ts) &&
            (out->server_name == NULL || is_closer(wish, ts, true, out->ts)))
            *out = (struct closer_event){f->servers[i], event_id, ts};
    }
    return OK;
}

static enum errcode is_stored(struct fetching *f, const char *event_id, bool *out)
{
    struct stored_event event;
    enum errcode found = event_load_by_id(f->call->db, f->call->arena, event_id, &event);

    *out = found == OK && event.position != 0;
    return found == M_NOT_FOUND ? OK : found;
}

enum errcode history_approach(struct call *call, const struct timestamp_wish *wish)
{
    struct fetching f = {.call = call, .room = wish->room};
    struct closer_event closer;
    struct event_hole *holes;
    size_t hole_count, stored = 1;
    bool is_there = false;

    TRY(missing_prev_events_list(call->db, call->arena, room_nid(wish->room), 1, &holes,
                                 &hole_count));
    if (hole_count == 0)
        return OK;
    TRY(list_servers(&f));
    TRY(remote_room_own_domain(call, wish->room, &f.own_domain));
    TRY(ask_closest(&f, wish, &closer));
    if (closer.server_name == NULL)
        return OK;
    TRY(is_stored(&f, closer.event_id, &is_there));
    for (int i = 0; i < APPROACH_STRETCHES_MAX && !is_there && stored > 0; i++) {
        TRY(fetch_stretch(&f, &stored));
        TRY(is_stored(&f, closer.event_id, &is_there));
    }
    /* Too far back: it alone, and what lies between comes when somebody reads there. */
    if (is_there)
        return OK;
    return ask(&f, closer.server_name,
               federation_target(call->arena, "/_matrix/federation/v1/event/%s", closer.event_id),
               closer.event_id, &stored);
}
