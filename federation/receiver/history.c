/*
 * Fetching history, a stretch at a time, from the holes of the graph backwards.
 *
 * An event that was fetched alone from far back leaves a gap (storage/history_gaps.h) between it
 * and the part of the timeline above. Each part has holes of its own, and what is fetched for them
 * goes below it, into the gap, so that positions are in the order of the graph when the gap is
 * closed.
 */
#include "federation/receiver/history.h"

#include <inttypes.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/fetch_many.h"
#include "federation/receiver/missing_events.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/history_gaps.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/missing_prev_events.h"
#include "storage/room_locks.h"

enum {
    STRETCHES_MAX = 5,
    STRETCHES_OVER_GAP_MAX = 10,
    EVENTS_AT_ONCE = 100,
    HOLES_ASKED_MAX = 20,
    SERVERS_ASKED_MAX = 3,
    APPROACH_STRETCHES_MAX = 10,
    TIMESTAMP_TIMEOUT_MS = 10 * 1000,
    OTHERS_WAIT_MS = 20 * 1000, /* for another process */
};

struct fetching {
    struct call *call;
    struct room *room;
    const char *own_domain;
    const char **servers;
    size_t server_count;
    /* The parts of the timeline, from above: part i lies above gaps[i], the last one above nothing.
     */
    struct history_gap *gaps;
    size_t gap_count;
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

static enum errcode load_gaps(struct fetching *f)
{
    return history_gaps_load(f->call->db, f->call->arena, room_nid(f->room), &f->gaps,
                             &f->gap_count);
}

/* The part that an event of this depth belongs to, of part `first` and those below. */
static size_t part_of_depth(const struct fetching *f, size_t first, int64_t depth)
{
    while (first < f->gap_count && depth <= f->gaps[first].depth)
        first++;
    return first;
}

/* Positions at the lower end of a part. */
static enum errcode take_positions(struct fetching *f, size_t part, int64_t count,
                                   int64_t *first_out)
{
    if (part < f->gap_count)
        return history_gap_take(f->call->db, f->call->arena, room_nid(f->room), &f->gaps[part],
                                count, first_out);
    return history_positions_take(f->call->db, f->call->arena, count, first_out);
}

static enum errcode store_one(struct fetching *f, const char *server_name,
                              const struct pdu_signed *pdu, int64_t position, size_t *stored_out)
{
    const struct event_origin origin = {.room_id = room_id(f->room), .server_name = server_name};
    const struct reception reception = {
        .pdu = pdu, .is_history = true, .history_position = position};
    struct received received;

    enum errcode outcome = receive_history(f->call, &origin, &reception, &received);
    if (errcode_is_internal(outcome))
        return outcome;
    if (outcome == OK && received.result == RECEPTION_ACCEPTED)
        (*stored_out)++;
    return OK;
}

/* Events that were asked for at the lower end of `part`. The oldest first, each before those built
 * on it; the newest gets the highest position. Some may turn out to lie below the next gap. */
static enum errcode store(struct fetching *f, const char *server_name, size_t part,
                          const struct pdu_signed **pdus, size_t count, size_t *stored_out)
{
    size_t kept = pdus_oldest_first(pdus, count), end;
    int64_t first;

    *stored_out = 0;
    if (kept == 0)
        return OK;
    for (size_t i = 0; i < kept; i = end) {
        size_t own = part_of_depth(f, part, pdu_signed_event(pdus[i])->depth);
        for (end = i + 1; end < kept; end++) {
            if (part_of_depth(f, part, pdu_signed_event(pdus[end])->depth) != own)
                break;
        }
        TRY(take_positions(f, own, (int64_t)(end - i), &first));
        for (size_t k = i; k < end; k++)
            TRY(store_one(f, server_name, pdus[k], first - (int64_t)(end - 1 - k), stored_out));
    }
    error_clear(f->call->error);
    return commit_group_wait(f->call->commits);
}

/* What a server answers: verified, with NULL for what is not. */
static enum errcode ask(struct fetching *f, const char *server_name, const char *target,
                        const struct pdu_signed ***pdus_out, size_t *count_out)
{
    struct error why = {0};
    struct call own = *f->call;
    const struct federation_request request = {
        .method = "GET",
        .origin = f->own_domain,
        .destination = server_name,
        .target = target,
    };
    json_t *answer;

    own.error = &why;
    *count_out = 0;
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
    return pdus_verify(f->call, &batch, pdus_out, count_out);
}

/* The holes at the lower end of a part, the deepest first. */
static enum errcode list_holes(struct fetching *f, size_t part, int64_t limit,
                               struct event_hole **out, size_t *count_out)
{
    const struct hole_search search = {
        .room_nid = room_nid(f->room),
        .from = part < f->gap_count ? f->gaps[part].after + 1 : INT64_MIN,
        .until = part > 0 ? f->gaps[part - 1].after : INT64_MAX,
        .limit = limit,
    };

    return missing_prev_events_list(f->call->db, f->call->arena, &search, out, count_out);
}

static enum errcode has_any_hole(struct call *call, struct room *room, bool *out)
{
    const struct hole_search search = {room_nid(room), INT64_MIN, INT64_MAX, 1};
    struct event_hole *holes;
    size_t count;

    TRY(missing_prev_events_list(call->db, call->arena, &search, &holes, &count));
    *out = count > 0;
    return OK;
}

/* Whether a part is whole down to this depth: what it lacks is not above. */
static enum errcode is_whole_above(struct fetching *f, size_t part, int64_t depth, bool *out)
{
    struct event_hole *deepest;
    size_t count;

    TRY(list_holes(f, part, 1, &deepest, &count));
    /* The hole itself lies below the event that names it. */
    *out = count == 0 || deepest->depth - 1 <= depth;
    return OK;
}

/* One stretch from the first server that has it. */
static enum errcode fetch_stretch(struct fetching *f, size_t part, size_t *stored_out)
{
    const struct pdu_signed **pdus;
    struct event_hole *holes;
    size_t count;

    *stored_out = 0;
    TRY(list_holes(f, part, HOLES_ASKED_MAX, &holes, &count));
    if (count == 0)
        return OK;
    const char *target = make_target(f, holes, count);
    for (size_t i = 0; i < f->server_count && *stored_out == 0; i++) {
        TRY(ask(f, f->servers[i], target, &pdus, &count));
        TRY(store(f, f->servers[i], part, pdus, count, stored_out));
    }
    return OK;
}

/* A stretch for who reads from a position on. */
struct step {
    struct fetching *f;
    int64_t position;
    bool backwards;
    bool made_progress;
};

/* The part above the gap that lies in the reader's way. Forwards there must be one. */
static size_t part_to_fetch(const struct step *step)
{
    const struct fetching *f = step->f;
    size_t part = 0;

    if (step->backwards) {
        while (part < f->gap_count && f->gaps[part].after >= step->position)
            part++;
        return part;
    }
    while (part + 1 < f->gap_count && f->gaps[part + 1].after >= step->position)
        part++;
    return part;
}

static enum errcode close_if_whole(struct fetching *f, size_t part, bool *closed_out)
{
    *closed_out = false;
    if (part == f->gap_count)
        return OK;
    TRY(is_whole_above(f, part, f->gaps[part].depth, closed_out));
    if (!*closed_out)
        return OK;
    return history_gap_close(f->call->db, room_nid(f->room), f->gaps[part].after);
}

/* One process at a time: two that store the same stretch side by side would mix up its order. Who
 * waits in vain goes on with what is there. */
static enum errcode work_alone(struct fetching *f, enum errcode (*work)(void *context),
                               void *context)
{
    struct db *db = f->call->db;
    bool is_ours;

    TRY(room_lock_take(db, ROOM_WORK_HISTORY, room_id(f->room), OTHERS_WAIT_MS, &is_ours));
    if (!is_ours)
        return OK;
    enum errcode outcome = work(context);
    enum errcode let_go = room_lock_let_go(db, ROOM_WORK_HISTORY, room_id(f->room));
    TRY(outcome);
    return let_go;
}

static enum errcode work_on_step(void *context)
{
    struct step *step = context;
    struct fetching *f = step->f;
    size_t stored;

    TRY(load_gaps(f)); /* others may have closed some */
    size_t part = part_to_fetch(step);
    TRY(close_if_whole(f, part, &step->made_progress));
    if (step->made_progress)
        return OK;
    TRY(fetch_stretch(f, part, &stored));
    TRY(close_if_whole(f, part, &step->made_progress));
    step->made_progress = step->made_progress || stored > 0;
    return OK;
}

static enum errcode work_on_step_alone(void *context)
{
    struct step *step = context;

    return work_alone(step->f, work_on_step, step);
}

/* Whoever reads the same room at the same time waits, and looks at what came. */
static enum errcode take_step(struct step *step)
{
    bool was_first;

    step->made_progress = false;
    TRY(singleflight_run(step->f->call->services->history, room_id(step->f->room),
                         work_on_step_alone, step, &was_first));
    step->made_progress = step->made_progress || !was_first;
    return OK;
}

static enum errcode count_known(struct call *call, const struct history_wish *wish, int64_t *out)
{
    const struct event_range range = {
        .room_nid = room_nid(wish->room),
        .after = wish->backwards ? INT64_MIN : wish->position,
        .until = wish->backwards ? wish->position : INT64_MAX,
        .limit = wish->count,
        .backwards = wish->backwards,
    };
    struct stored_event *events;
    size_t count;

    TRY(events_in_range(call->db, call->arena, &range, &events, &count));
    *out = (int64_t)count;
    return OK;
}

/* Backwards the end may be a hole, forwards only a gap. */
static enum errcode is_anything_missing(struct fetching *f, const struct history_wish *wish,
                                        bool *out)
{
    TRY(load_gaps(f));
    *out = f->gap_count > 0 && (wish->backwards || f->gaps[0].after >= wish->position);
    if (*out || !wish->backwards)
        return OK;
    return has_any_hole(f->call, wish->room, out);
}

enum errcode history_obtain(struct call *call, const struct history_wish *wish,
                            struct history_reach *out)
{
    struct fetching f = {.call = call, .room = wish->room};
    struct step step = {
        .f = &f,
        .position = wish->position,
        .backwards = wish->backwards,
        .made_progress = true,
    };
    int steps_max = wish->backwards ? STRETCHES_MAX : STRETCHES_OVER_GAP_MAX;
    bool is_missing;
    int64_t known;

    *out = (struct history_reach){0};
    TRY(is_anything_missing(&f, wish, &is_missing));
    if (!is_missing)
        return OK;
    TRY(count_known(call, wish, &known));
    if (known >= wish->count)
        return OK; /* the page is full anyway */
    TRY(list_servers(&f));
    TRY(remote_room_own_domain(call, wish->room, &f.own_domain));
    for (int i = 0; i < steps_max && known < wish->count && step.made_progress && is_missing; i++) {
        TRY(take_step(&step));
        TRY(count_known(call, wish, &known));
        TRY(is_anything_missing(&f, wish, &is_missing));
    }
    out->has_more = is_missing && step.made_progress;
    out->over_gaps = is_missing && !step.made_progress;
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

/* Where the event will be looked for: below what is known to be newer. */
static enum errcode position_above(struct fetching *f, int64_t ts, int64_t *out)
{
    const struct timestamp_search search = {room_nid(f->room), ts, INT64_MIN, 1, false};
    struct stored_event *newer;
    size_t count;

    TRY(events_closest_to_timestamp(f->call->db, f->call->arena, &search, &newer, &count));
    *out = count > 0 ? newer->position : INT64_MAX;
    return OK;
}

/* The place of an event that came alone. Unless all that comes after it is here, it is below a new
 * gap, whose `after` is the place. */
static enum errcode place_alone(struct fetching *f, int64_t depth, bool *has_gap_out, int64_t *out)
{
    struct db *db = f->call->db;
    struct arena *arena = f->call->arena;
    bool is_whole;

    TRY(load_gaps(f));
    size_t part = part_of_depth(f, 0, depth);
    TRY(is_whole_above(f, part, depth, &is_whole));
    *has_gap_out = !is_whole;
    if (is_whole)
        return take_positions(f, part, 1, out);
    if (part < f->gap_count)
        return history_gap_split(db, arena, room_nid(f->room), &f->gaps[part], depth, out);
    return history_gap_open(db, arena, room_nid(f->room), depth, out);
}

struct alone {
    struct fetching *f;
    const struct closer_event *wanted;
};

static enum errcode fetch_alone(void *context)
{
    const struct alone *alone = context;
    struct fetching *f = alone->f;
    const char *target = federation_target(f->call->arena, "/_matrix/federation/v1/event/%s",
                                           alone->wanted->event_id);
    const struct pdu_signed **pdus;
    size_t count, stored = 0;
    int64_t position;
    bool has_gap;

    TRY(ask(f, alone->wanted->server_name, target, &pdus, &count));
    if (count != 1 || pdus[0] == NULL ||
        strcmp(pdu_signed_event(pdus[0])->event_id, alone->wanted->event_id) != 0)
        return OK;
    TRY(place_alone(f, pdu_signed_event(pdus[0])->depth, &has_gap, &position));
    TRY(store_one(f, alone->wanted->server_name, pdus[0], position, &stored));
    if (stored == 0 && has_gap)
        TRY(history_gap_close(f->call->db, room_nid(f->room), position));
    error_clear(f->call->error);
    return commit_group_wait(f->call->commits);
}

static enum errcode fetch_one_alone(void *context)
{
    struct alone *alone = context;

    return work_alone(alone->f, fetch_alone, alone);
}

enum errcode history_approach(struct call *call, const struct timestamp_wish *wish)
{
    struct fetching f = {.call = call, .room = wish->room};
    struct step step = {.f = &f, .backwards = true, .made_progress = true};
    struct closer_event closer;
    struct alone alone = {&f, &closer};
    bool is_there = false, has_holes, was_first;

    TRY(has_any_hole(call, wish->room, &has_holes));
    if (!has_holes)
        return OK;
    TRY(list_servers(&f));
    TRY(remote_room_own_domain(call, wish->room, &f.own_domain));
    TRY(ask_closest(&f, wish, &closer));
    if (closer.server_name == NULL)
        return OK;
    TRY(position_above(&f, closer.ts, &step.position));
    TRY(is_stored(&f, closer.event_id, &is_there));
    for (int i = 0; i < APPROACH_STRETCHES_MAX && !is_there && step.made_progress; i++) {
        TRY(take_step(&step));
        TRY(is_stored(&f, closer.event_id, &is_there));
    }
    /* Too far back: it alone, and what lies between comes when somebody reads there. Who finds
     * somebody else at work has the event, or part of the way, from them. */
    if (is_there)
        return OK;
    return singleflight_run(call->services->history, room_id(wish->room), fetch_one_alone, &alone,
                            &was_first);
}
