/* One room's queue of the inbox. */
#include "federation/receiver/room_intake.h"

#include <string.h>

#include "federation/client/federation_metrics.h"
#include "federation/receiver/invite_intake.h"
#include "federation/receiver/missing_events.h"
#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/receive_event.h"
#include "homeserver/services.h"
#include "storage/federation_inbox.h"
#include "storage/journal.h"
#include "storage/memberships.h"

enum { EVENTS_AT_ONCE = 20 };

/* How long an event waits for the room's policy server. Spec: what is not signed is soft-failed,
 * and that is for good; a server that is being restarted has not refused anything. */
enum { POLICY_PATIENCE_MS = 5 * 60 * 1000 };

static bool will_pass(enum errcode outcome)
{
    return outcome == E_UNAVAILABLE || outcome == E_SHUTDOWN || outcome == E_OUTWARD;
}

static void count_result(enum errcode outcome, const struct received *received)
{
    enum federation_counter counter = FEDERATION_EVENT_ACCEPTED;

    if (will_pass(outcome))
        return;
    if (outcome != OK)
        counter = FEDERATION_EVENT_NOT_TAKEN;
    else if (received->why != NULL)
        counter = received->result == RECEPTION_REJECTED ? FEDERATION_EVENT_REJECTED
                                                         : FEDERATION_EVENT_SOFT_FAILED;
    federation_count(counter, 1);
}

/* A call with an arena of its own: what one event needs does not pile up. */
static enum errcode receive_alone(struct call *call, const struct inbox_pdu *row,
                                  const struct pdu_signed *pdu)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call own = *call;
    const struct reception reception = {.pdu = pdu};
    const struct event_origin origin = {
        .room_id = row->room_id,
        .server_name = row->origin,
        .was_patient = row->received_ts < clock_wall_ms() - POLICY_PATIENCE_MS,
    };
    struct received received;

    own.arena = arena;
    own.error = &error;
    enum errcode outcome = receive_with_help(&own, &origin, &reception, &received);
    if (outcome == E_OUTWARD)
        return outcome;
    const char *event_id = pdu_signed_event(pdu)->event_id;
    count_result(outcome, &received);
    if (outcome != OK)
        log_info(LOG_FEDERATION, "Event %s of %s was not taken: %s", event_id, row->origin,
                 error.text);
    else if (received.why != NULL)
        log_info(LOG_FEDERATION, "Event %s of %s was %s: %s", event_id, row->origin,
                 received.result == RECEPTION_REJECTED ? "rejected" : "soft-failed", received.why);
    return errcode_is_internal(outcome) ? outcome : OK;
}

/* A double of an event that was just received would not find it: it need not be committed yet. */
static bool came_before(const struct pdu_signed *const *pdus, size_t place)
{
    const char *event_id = pdu_signed_event(pdus[place])->event_id;

    for (size_t i = 0; i < place; i++) {
        if (pdus[i] != NULL && strcmp(pdu_signed_event(pdus[i])->event_id, event_id) == 0)
            return true;
    }
    return false;
}

static enum errcode receive_all(struct call *call, struct room *room, const struct inbox_pdu *rows,
                                size_t count, size_t *done_out)
{
    const struct pdu_signed **pdus;
    struct pdu_batch batch = {
        .version = room_version_of(room),
        .room_id = room_id(room),
        .pdus = json_on_arena(call->arena, json_array()),
    };

    for (size_t i = 0; i < count; i++) {
        json_t *json;
        if (json_parse_object(call->arena, rows[i].json, rows[i].json_size, NULL, &json) != OK)
            json = json_null();
        json_array_append(batch.pdus, json);
    }
    TRY(pdus_verify(call, &batch, &pdus, &count));
    for (*done_out = 0; *done_out < count; (*done_out)++) {
        if (pdus[*done_out] != NULL && !came_before(pdus, *done_out))
            TRY(receive_alone(call, &rows[*done_out], pdus[*done_out]));
    }
    return OK;
}

static enum errcode receive_rows(struct call *call, const struct inbox_pdu *rows, size_t count,
                                 size_t *done_out)
{
    struct nid_list ours;
    struct room_head *head;
    struct room *room;

    enum errcode opened = room_open(call, rows[0].room_id, &room);
    if (opened == OK)
        opened = room_committed_head(call, room, &head);
    if (opened == M_NOT_FOUND) {
        *done_out = count;
        return OK;
    }
    TRY(opened);
    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &ours));
    if (head->create != NULL && ours.count > 0)
        return receive_all(call, room, rows, count, done_out);
    /* We are not in the room; only what becomes of an invite or a knock concerns us. */
    TRY(invite_follow(call, room, rows, count));
    *done_out = count;
    return OK;
}

/* Events up to this one are received one by one, because one of those that were received together
 * could not be committed, and nobody knows which. Of any room: numbers only grow. */
static _Atomic int64_t careful_until_nid;

/* An event that brings us down again and again must not block its room for ever. */
static void count_failure(const struct inbox_pdu *row, enum errcode outcome, size_t *done)
{
    static _Atomic int64_t failing_nid;
    static _Atomic int failures;

    if (failing_nid != row->inbox_nid) {
        failing_nid = row->inbox_nid;
        failures = 0;
    }
    if (++failures < 3)
        return;
    log_error(LOG_FEDERATION, "An event of %s for %s fails every time and is left out: %s",
              row->origin, row->room_id, errcode_default_text(outcome));
    *done = 1;
}

/* What failed at the commit is received again; what did not is known by then. */
static enum errcode receive_committed(struct call *call, const struct inbox_pdu *rows, size_t count,
                                      size_t *done_out)
{
    enum errcode outcome = receive_rows(call, rows, count, done_out);
    enum errcode committed = commit_group_wait(call->commits);

    if (committed != OK) {
        *done_out = 0;
        outcome = committed;
    }
    if (outcome == OK || will_pass(outcome) || *done_out > 0)
        return outcome;
    if (committed != OK && count > 1) {
        careful_until_nid = rows[count - 1].inbox_nid;
        return OK; /* again, one by one */
    }
    count_failure(&rows[0], outcome, done_out);
    return outcome;
}

static enum errcode run_locked(struct call *call, const char *room_id, bool *has_more_out)
{
    struct inbox_pdu *rows;
    size_t count, taken, done = 0;

    TRY(inbox_load(call->db, call->arena, room_id, EVENTS_AT_ONCE + 1, &rows, &count));
    if (count == 0)
        return OK;
    taken = rows[0].inbox_nid <= careful_until_nid ? 1 : EVENTS_AT_ONCE;
    taken = count < taken ? count : taken;
    enum errcode outcome = receive_committed(call, rows, taken, &done);
    *has_more_out = done < count;
    int64_t *nids = ARENA_ARRAY(call->arena, done, int64_t);
    for (size_t i = 0; i < done; i++)
        nids[i] = rows[i].inbox_nid;
    TRY(inbox_remove(call->db, nids, done));
    return outcome;
}

enum errcode room_intake_run(struct call *call, const char *room_id, bool *has_more_out)
{
    bool is_ours;

    *has_more_out = false;
    TRY(inbox_lock_room(call->db, call->arena, room_id, &is_ours));
    if (!is_ours)
        return OK; /* another process works on it */
    enum errcode outcome = run_locked(call, room_id, has_more_out);
    enum errcode unlocked = inbox_unlock_room(call->db, room_id);
    TRY(outcome);
    return unlocked;
}
