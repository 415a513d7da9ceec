/* From the answer to a join to a room: every event verified and judged before anything is stored.
 */
#include "federation/receiver/join_import.h"

#include <string.h>

#include "config/config.h"
#include "federation/receiver/event_set.h"
#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/rooms/import_room.h"
#include "homeserver/services.h"
#include "storage/events.h"

enum { EVENTS_MAX = 400000, SERVERS_MAX = 50000 };

struct importing {
    struct call *call;
    const struct join_import *import;
    struct event_set *set;
    struct map *state; /* "type NUL state_key", joined by a newline -> struct pdu_authorised */
    struct map *state_ids;
    const struct event **auth_events; /* of the join; NULL where one is not known */
    size_t auth_event_count;
    ARRAY_OF(const char *) servers; /* in the room, when members are missing in the state */
};

static const char *key_of(struct arena *arena, const char *type, const char *state_key)
{
    return arena_printf(arena, "%s\n%s", type, state_key);
}

static void put_state(struct importing *im, const struct pdu_authorised *pdu)
{
    const struct event *event = pdu_event_of(pdu);
    const char *key = key_of(im->call->arena, event->type, event->state_key);

    if (map_contains(im->state, key))
        return;
    map_set(im->state, key, (void *)(uintptr_t)pdu);
    map_set(im->state_ids, event->event_id, NULL);
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
        put_state(im, judged);
    }
    return OK;
}

static bool is_partial(const struct importing *im)
{
    return json_is_true(json_object_get(im->import->answer, "members_omitted"));
}

/* Spec: which servers are in the room stands in for the members that were left out. */
static void read_servers(struct importing *im)
{
    const struct config *config = config_current(im->call->services->config);
    const json_t *list = json_get_array(im->import->answer, "servers_in_room"), *name;
    struct map *seen = map_create(im->call->arena);
    size_t i;

    map_set(seen, im->import->server_name, NULL);
    array_push(im->call->arena, &im->servers, im->import->server_name);
    json_array_foreach (list, i, name) {
        const char *text = json_text(name);
        if (text == NULL || i >= SERVERS_MAX || !server_name_is_valid(text) ||
            config_hosts(config, text) || map_contains(seen, text))
            continue;
        map_set(seen, text, NULL);
        array_push(im->call->arena, &im->servers, text);
    }
}

/* Of the members that were left out of the state those are known that the join proves itself by:
 * who invited, who vouches. */
static void add_named_members(struct importing *im, const struct event *join)
{
    for (size_t i = 0; i < join->auth_event_count; i++) {
        const struct pdu_authorised *auth = event_set_find(im->set, join->auth_events[i]);
        const struct event *event = auth != NULL ? pdu_event_of(auth) : NULL;
        if (event != NULL && event->state_key != NULL &&
            strcmp(event->type, "m.room.member") == 0 && pdu_outcome_of(auth) != PDU_REJECTED)
            put_state(im, auth);
    }
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

    if (pdu != NULL)
        return pdu_event_of(pdu);
    /* Of the members that were left out we may know some from before. */
    for (size_t i = 0; is_partial(im) && i < im->auth_event_count; i++) {
        if (im->auth_events[i] != NULL && !im->auth_events[i]->rejected &&
            strcmp(type, "m.room.member") == 0 && event_is(im->auth_events[i], type, state_key))
            return im->auth_events[i];
    }
    return NULL;
}

/* From the answer, or from an earlier stay in the room. */
static enum errcode find_auth_events(struct importing *im, const struct event *join)
{
    struct call *call = im->call;

    im->auth_event_count = join->auth_event_count;
    im->auth_events = ARENA_ARRAY(call->arena, join->auth_event_count, const struct event *);
    for (size_t i = 0; i < join->auth_event_count; i++) {
        const struct pdu_authorised *auth = event_set_find(im->set, join->auth_events[i]);
        struct stored_event stored;
        if (auth != NULL) {
            im->auth_events[i] = pdu_event_of(auth);
            continue;
        }
        enum errcode found = event_load_by_id(call->db, call->arena, join->auth_events[i], &stored);
        if (found == OK)
            found = stored_event_parse(call->arena, join->version, &stored, &im->auth_events[i]);
        if (found != OK && found != M_NOT_FOUND)
            return found;
    }
    return OK;
}

/* Our own join must stand in the room that we were told. */
static enum errcode judge_join(struct importing *im, const struct pdu_authorised **out)
{
    struct call *call = im->call;
    const struct pdu_batch batch = {.version = im->import->version, .room_id = im->import->room_id};
    const struct pdu_signed *pdu;

    TRY(pdu_verify_one(call, &batch, im->import->event, &pdu));
    const struct event *event = pdu_signed_event(pdu);
    if (is_partial(im))
        add_named_members(im, event);
    TRY(find_auth_events(im, event));
    const struct auth_state before = {
        .lookup = find_state,
        .context = im,
        .create = event_set_create(im->set),
        .signatures = &auth_signatures_verified_before,
    };
    const struct pdu_context context = {
        .auth_events = im->auth_events,
        .create = event_set_create(im->set),
        .before = &before,
    };
    *out = pdu_authorise(call->arena, pdu, &context);
    if (pdu_outcome_of(*out) != PDU_ACCEPTED)
        return fail(call->error, M_FORBIDDEN,
                    "The join does not stand in the state that %s told: %s.",
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
        .told_by = is_partial(im) ? im->import->server_name : NULL,
        .servers = im->servers.items,
        .server_count = im->servers.count,
    };
    log_info(LOG_FEDERATION, "Joined %s with %zu events of its state%s and %zu in all.",
             im->import->room_id, map_count(im->state), is_partial(im) ? ", members left out," : "",
             kept);
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
    if (is_partial(&im))
        read_servers(&im);
    TRY(judge_join(&im, &join));
    return store(&im, join);
}
