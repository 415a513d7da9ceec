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
#include "storage/journal.h"

enum {
    EVENTS_MAX = 400000,
    PORTION = 1000,       /* so many are trees at a time */
    OTHERS_MIN = PORTION, /* fewer are not worth a way of their own */
    SERVERS_MAX = 50000,
    SERVER_TEXT_BYTES_MAX = 1000,
};

struct importing {
    struct call *call;
    const struct join_import *import;
    ARRAY_OF(struct json_span) texts; /* the auth chain, then the state */
    size_t chain_count;
    ARRAY_OF(struct json_span) others; /* of the state what no rule reads, where it is much */
    const struct pdu_signed **pdus;    /* parallel to `texts`; NULL: it does not hold */
    struct room *room;                 /* where the others were stored */
    ARRAY_OF(struct stored_state) stored;
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

/* The auth rules and those who follow the state look at m.room.* only. Of a type that is not told
 * in plain text nothing is known before it is parsed. */
static bool is_other(struct json_span text)
{
    static const char read[] = "\"m.room.";
    struct json_parts parts;
    struct json_member member;

    json_parts_start(&parts, text);
    while (parts.close == '}' && json_parts_next(&parts, &member)) {
        if (!json_span_equals(member.name, "type"))
            continue;
        return member.value.size > sizeof(read) &&
               memchr(member.value.bytes, '\\', member.value.size) == NULL &&
               memcmp(member.value.bytes, read, sizeof(read) - 1) != 0;
    }
    return false;
}

static enum errcode cut_list(struct importing *im, struct json_span list, bool is_state)
{
    struct arena *arena = im->call->arena;
    struct json_parts parts;
    struct json_member event;

    json_parts_start(&parts, list);
    while (json_parts_next(&parts, &event)) {
        if (im->texts.count + im->others.count == EVENTS_MAX)
            return fail(im->call->error, E_REMOTE, "%s told more than %d events.",
                        im->import->server_name, EVENTS_MAX);
        if (is_state && is_other(event.value))
            array_push(arena, &im->others, event.value);
        else
            array_push(arena, &im->texts, event.value);
    }
    if (parts.failed)
        return fail(im->call->error, E_REMOTE, "%s told events that are no JSON.",
                    im->import->server_name);
    return OK;
}

static enum errcode cut(struct importing *im)
{
    TRY(cut_list(im, im->import->answer->auth_chain, false));
    im->chain_count = im->texts.count;
    TRY(cut_list(im, im->import->answer->state, true));
    if (im->others.count >= OTHERS_MIN)
        return OK;
    for (size_t i = 0; i < im->others.count; i++)
        array_push(im->call->arena, &im->texts, im->others.items[i]);
    im->others.count = 0;
    return OK;
}

static enum errcode verify(struct call *call, const struct importing *im,
                           const struct json_span *texts, size_t count,
                           const struct pdu_signed ***out)
{
    const struct pdu_batch batch = {
        .version = im->import->version,
        .room_id = im->import->room_id,
        .texts = texts,
        .text_count = count,
        .is_history = true,
    };

    return pdus_verify(call, &batch, out, &count);
}

static enum errcode verify_portion(struct importing *im, size_t start, size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct call own = *im->call;
    const struct pdu_signed **pdus;

    own.arena = arena;
    TRY(verify(&own, im, im->texts.items + start, count, &pdus));
    for (size_t i = 0; i < count; i++) {
        if (pdus[i] != NULL)
            im->pdus[start + i] = pdu_keep(im->call->arena, pdus[i]);
    }
    return OK;
}

static enum errcode verify_events(struct importing *im)
{
    size_t total = im->texts.count;

    im->pdus = ARENA_ARRAY(im->call->arena, total, const struct pdu_signed *);
    for (size_t i = 0; i < total; i += PORTION)
        TRY(verify_portion(im, i, total - i < PORTION ? total - i : PORTION));
    return OK;
}

/* What is after the auth chain is the state. */
static enum errcode judge_events(struct importing *im)
{
    TRY(event_set_judge(im->call, im->pdus, im->texts.count, &(struct known_events){0}, &im->set));
    for (size_t i = im->chain_count; i < im->texts.count; i++) {
        if (im->pdus[i] == NULL)
            continue;
        const struct event *event = pdu_signed_event(im->pdus[i]);
        const struct pdu_authorised *judged = event_set_find(im->set, event->event_id);
        if (event->state_key == NULL || pdu_outcome_of(judged) == PDU_REJECTED)
            continue;
        put_state(im, judged);
    }
    return OK;
}

static bool is_partial(const struct importing *im)
{
    return im->import->answer->members_omitted;
}

static const char *read_server(struct importing *im, struct json_span text)
{
    json_t *name;

    if (text.size > SERVER_TEXT_BYTES_MAX ||
        json_parse(im->call->arena, text.bytes, text.size, NULL, &name) != OK)
        return NULL;
    return json_text(name);
}

/* Spec: which servers are in the room stands in for the members that were left out. */
static void read_servers(struct importing *im)
{
    const struct config *config = config_current(im->call->services->config);
    struct map *seen = map_create(im->call->arena);
    struct json_parts parts;
    struct json_member server;

    map_set(seen, im->import->server_name, NULL);
    array_push(im->call->arena, &im->servers, im->import->server_name);
    json_parts_start(&parts, im->import->answer->servers);
    while (im->servers.count < SERVERS_MAX && json_parts_next(&parts, &server)) {
        const char *name = read_server(im, server.value);
        if (name == NULL || !server_name_is_valid(name) || config_hosts(config, name) ||
            map_contains(seen, name))
            continue;
        map_set(seen, name, NULL);
        array_push(im->call->arena, &im->servers, name);
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

/* ── State that no rule reads ────────────────────────────────────────────────────────────────── */

/* By this time the join stands: these events are judged by what was, and stored while the next are
 * verified. Should we be killed they are events beside a room that we are not in. */
static enum errcode store_portion(struct importing *im, const struct known_events *known,
                                  size_t start, size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct call own = *im->call;
    const struct pdu_signed **pdus;
    struct event_set *set;
    size_t kept_count = 0;

    own.arena = arena;
    TRY(verify(&own, im, im->others.items + start, count, &pdus));
    TRY(event_set_judge(&own, pdus, count, known, &set));
    const struct pdu_authorised **kept = ARENA_ARRAY(arena, count, const struct pdu_authorised *);
    const struct pdu_authorised *const *judged = event_set_events(set, &count);
    for (size_t i = 0; i < count; i++) {
        if (pdu_event_of(judged[i])->state_key != NULL)
            kept[kept_count++] = judged[i];
    }
    struct stored_state *numbers = ARENA_ARRAY(arena, kept_count, struct stored_state);
    TRY(commit_group_wait(own.commits));
    TRY(room_import_outliers(&own, im->room, kept, kept_count, numbers));
    for (size_t i = 0; i < kept_count; i++) {
        if (pdu_outcome_of(kept[i]) != PDU_REJECTED)
            array_push(im->call->arena, &im->stored, numbers[i]);
    }
    return OK;
}

/* The others refer to what was judged before them: that is stored first. */
static enum errcode store_others(struct importing *im)
{
    struct call *call = im->call;
    size_t count, total = im->others.count, kept_count = 0;
    const struct pdu_authorised *const *judged = event_set_events(im->set, &count);
    const struct pdu_authorised **kept =
        ARENA_ARRAY(call->arena, count, const struct pdu_authorised *);
    const struct event **events = ARENA_ARRAY(call->arena, count, const struct event *);
    const struct known_events known = {events, count, event_set_create(im->set)};

    for (size_t i = 0; i < count; i++) {
        events[i] = pdu_event_of(judged[i]);
        if (events[i]->state_key != NULL)
            kept[kept_count++] = judged[i];
    }
    TRY(room_import_open(call, im->import->room_id, im->import->version, &im->room));
    TRY(room_import_outliers(call, im->room, kept, kept_count, NULL));
    for (size_t i = 0; i < total; i += PORTION)
        TRY(store_portion(im, &known, i, total - i < PORTION ? total - i : PORTION));
    return commit_group_wait(call->commits);
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
        .room = im->room,
        .stored = im->stored.items,
        .stored_count = im->stored.count,
        .events = imported,
        .count = kept,
        .join = join,
        .told_by = is_partial(im) ? im->import->server_name : NULL,
        .servers = im->servers.items,
        .server_count = im->servers.count,
    };
    log_info(LOG_FEDERATION, "Joined %s with %zu events of its state%s and %zu in all.",
             im->import->room_id, map_count(im->state) + im->stored.count,
             is_partial(im) ? ", members left out," : "", kept + im->stored.count);
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

    TRY(cut(&im));
    TRY(verify_events(&im));
    if (is_partial(&im))
        read_servers(&im);
    TRY(judge_events(&im));
    TRY(check_create(&im));
    TRY(judge_join(&im, &join));
    if (im.others.count > 0)
        TRY(store_others(&im));
    /* What is kept of an event is a copy. */
    strbuf_finish(import->text);
    return store(&im, join);
}
