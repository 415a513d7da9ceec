/* From the answer to a join to a room: every event verified and judged before anything is stored.
 */
#include "federation/receiver/join_import.h"

#include <string.h>

#include "federation/receiver/event_set.h"
#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/import_room.h"

enum { EVENTS_MAX = 400000 };

struct importing {
    struct call *call;
    const struct join_import *import;
    struct event_set *set;
    struct map *state; /* "type NUL state_key", joined by a newline -> struct pdu_authorised */
    struct map *state_ids;
};

static const char *key_of(struct arena *arena, const char *type, const char *state_key)
{
    return arena_printf(arena, "%s\n%s", type, state_key);
}

static enum errcode read_events(struct importing *im, json_t *state, json_t *auth_chain)
{
    struct call *call = im->call;
    const struct pdu_signed **pdus;
    size_t count;
    json_t *all = json_on_arena(call->arena, json_array());

    if (state == NULL || auth_chain == NULL ||
        json_array_size(state) + json_array_size(auth_chain) > EVENTS_MAX)
        return fail(call->error, E_REMOTE, "%s did not tell the room's state.",
                    im->import->server_name);
    json_array_extend(all, auth_chain);
    json_array_extend(all, state);
    const struct pdu_batch batch = {
        .version = im->import->version,
        .room_id = im->import->room_id,
        .pdus = all,
        .is_history = true,
    };
    TRY(pdus_verify(call, &batch, &pdus, &count));
    TRY(event_set_judge(call, pdus, count, &(struct known_events){0}, &im->set));
    /* What is after the auth chain is the state. */
    for (size_t i = json_array_size(auth_chain); i < count; i++) {
        if (pdus[i] == NULL)
            continue;
        const struct event *event = pdu_signed_event(pdus[i]);
        const struct pdu_authorised *judged = event_set_find(im->set, event->event_id);
        if (event->state_key == NULL || pdu_outcome_of(judged) == PDU_REJECTED)
            continue;
        const char *key = key_of(call->arena, event->type, event->state_key);
        if (map_contains(im->state, key))
            continue;
        map_set(im->state, key, (void *)(uintptr_t)judged);
        map_set(im->state_ids, event->event_id, NULL);
    }
    return OK;
}

static enum errcode check_create(struct importing *im)
{
    const struct event *create = event_set_create(im->set);
    const char *version = create != NULL ? json_get_string(create->content, "room_version") : NULL;

    if (create == NULL || !map_contains(im->state_ids, create->event_id))
        return fail(im->call->error, E_REMOTE, "The state of %s has no beginning that holds.",
                    im->import->room_id);
    if (strcmp(version != NULL ? version : "1", im->import->version->id) != 0)
        return fail(im->call->error, E_REMOTE, "The room has another version than %s said.",
                    im->import->server_name);
    return OK;
}

static const struct event *find_state(void *context, const char *type, const char *state_key)
{
    const struct importing *im = context;
    const struct pdu_authorised *pdu = map_get(im->state, key_of(im->call->arena, type, state_key));

    return pdu != NULL ? pdu_event_of(pdu) : NULL;
}

/* Our own join must stand in the room that we were told. */
static enum errcode judge_join(struct importing *im, const struct pdu_authorised **out)
{
    struct call *call = im->call;
    const struct pdu_batch batch = {.version = im->import->version, .room_id = im->import->room_id};
    const struct pdu_signed *pdu;

    TRY(pdu_verify_one(call, &batch, im->import->event, &pdu));
    const struct event *event = pdu_signed_event(pdu);
    const struct event **auth_events =
        ARENA_ARRAY(call->arena, event->auth_event_count, const struct event *);
    for (size_t i = 0; i < event->auth_event_count; i++) {
        const struct pdu_authorised *auth = event_set_find(im->set, event->auth_events[i]);
        auth_events[i] = auth != NULL ? pdu_event_of(auth) : NULL;
    }
    const struct auth_state before = {
        .lookup = find_state,
        .context = im,
        .create = event_set_create(im->set),
        .signatures = &auth_signatures_verified_before,
    };
    const struct pdu_context context = {
        .auth_events = auth_events,
        .create = event_set_create(im->set),
        .before = &before,
    };
    *out = pdu_authorise(call->arena, pdu, &context);
    if (pdu_outcome_of(*out) != PDU_ACCEPTED)
        return fail(call->error, E_REMOTE, "The join does not stand in the state that %s told: %s.",
                    im->import->server_name, pdu_refusal_of(*out));
    return OK;
}

static enum errcode store(struct importing *im, const struct pdu_authorised *join)
{
    size_t count, kept = 0;
    const struct pdu_authorised *const *events = event_set_events(im->set, &count);
    struct imported_event *imported = ARENA_ARRAY(im->call->arena, count, struct imported_event);

    for (size_t i = 0; i < count; i++) {
        const struct event *event = pdu_event_of(events[i]);
        if (event->state_key == NULL || strcmp(event->event_id, pdu_event_of(join)->event_id) == 0)
            continue;
        imported[kept++] =
            (struct imported_event){events[i], map_contains(im->state_ids, event->event_id)};
    }
    const struct room_import import = {
        .room_id = im->import->room_id,
        .version = im->import->version,
        .events = imported,
        .count = kept,
        .join = join,
    };
    log_info(LOG_FEDERATION, "Joined %s with %zu events of its state and %zu in all.",
             im->import->room_id, map_count(im->state), kept);
    return room_import(im->call, &import);
}

enum errcode join_import(struct call *call, const struct join_import *import)
{
    struct importing im = {
        .call = call,
        .import = import,
        .state = map_create(call->arena),
        .state_ids = map_create(call->arena),
    };
    const struct pdu_authorised *join;

    TRY(read_events(&im, json_get_array(import->answer, "state"),
                    json_get_array(import->answer, "auth_chain")));
    TRY(check_create(&im));
    TRY(judge_join(&im, &join));
    return store(&im, join);
}
