/*
 * Reading a room again from nothing.
 * Spec: server-server API, "Checks performed on receipt of a PDU", steps 1 to 5.
 */
#include "homeserver/protocol/room_check.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution.h"

/* An event of the room; its reference for state resolution is its place in `room.events`, from 1.
 */
struct checked_event {
    struct event event;
    size_t index;
    struct state_map *state_after;
    size_t open_edges; /* previous events in the list that are not judged yet */
    bool is_judged;
    bool is_built_upon; /* by an event that was accepted */
    ARRAY_OF(struct checked_event *) next_events;
    ARRAY_OF(int64_t) cited_by;
};

struct checked_room {
    struct arena *arena;
    struct room_check_report *report;
    struct room_check_options options; /* `signatures` is never NULL */
    ARRAY_OF(struct checked_event *) events;
    struct map *refs; /* event ID -> ref */
    struct map *keys; /* type US state_key -> key */
    const struct checked_event *create;
    struct state_map *latest; /* borrowed: the state after the event judged last */
};

static void checked_room_finish(struct checked_room *room)
{
    for (size_t i = 0; i < room->events.count; i++)
        state_map_release(room->events.items[i]->state_after);
}

static bool verify_third_party_invite(UNUSED void *context, const struct event *member,
                                      const struct event *invite)
{
    return event_third_party_invite_is_signed(member, invite);
}

static bool believe_authorising_server(UNUSED void *context, UNUSED const struct event *member)
{
    return true;
}

static const struct auth_signatures default_signatures = {
    .third_party_invite = verify_third_party_invite,
    .authorising_server = believe_authorising_server,
};

static void add_finding(struct checked_room *room, enum room_check_kind kind, size_t index,
                        const char *event_id, const char *text)
{
    const struct room_check_finding finding = {kind, index, event_id, text};

    array_push(room->arena, &room->report->findings, finding);
}

static void find_fault(struct checked_room *room, const struct checked_event *checked,
                       enum room_check_kind kind, const char *text)
{
    add_finding(room, kind, checked->index, checked->event.event_id, text);
}

/* The source of events for state resolution. */

static struct checked_event *find_event(const struct checked_room *room, const char *event_id)
{
    intptr_t ref = (intptr_t)map_get(room->refs, event_id);

    return ref != 0 ? room->events.items[ref - 1] : NULL;
}

static enum errcode source_event(void *context, int64_t ref, const struct event **out)
{
    const struct checked_room *room = context;

    *out = &room->events.items[ref - 1]->event;
    return OK;
}

static enum errcode source_ref(void *context, const char *event_id, int64_t *out)
{
    const struct checked_room *room = context;

    *out = (int64_t)(intptr_t)map_get(room->refs, event_id);
    return OK;
}

static enum errcode source_key(void *context, const char *type, const char *state_key, int64_t *out)
{
    struct checked_room *room = context;
    const char *name = arena_printf(room->arena, "%s\x1f%s", type, state_key);

    *out = (int64_t)(intptr_t)map_get(room->keys, name);
    if (*out == 0) {
        *out = (int64_t)map_count(room->keys) + 1;
        map_set(room->keys, name, (void *)(intptr_t)*out);
    }
    return OK;
}

static enum errcode source_cited_by(void *context, int64_t ref, const int64_t **refs_out,
                                    size_t *count_out)
{
    const struct checked_room *room = context;

    *refs_out = room->events.items[ref - 1]->cited_by.items;
    *count_out = room->events.items[ref - 1]->cited_by.count;
    return OK;
}

/* Reading the list. */

static enum errcode find_version(json_t *const *pdus, size_t count, struct error *error,
                                 const struct room_version **out)
{
    for (size_t i = 0; i < count; i++) {
        const char *type = json_get_string(pdus[i], "type");
        if (type == NULL || strcmp(type, "m.room.create") != 0)
            continue;
        const char *id = json_get_string(json_get_object(pdus[i], "content"), "room_version");
        *out = room_version_find(id != NULL ? id : "1");
        if (*out == NULL)
            return fail(error, M_UNSUPPORTED_ROOM_VERSION, "The room version %s is not known.", id);
        return OK;
    }
    return fail(error, M_BAD_JSON, "There is no m.room.create event in the list.");
}

/* The PDU without what an export added to it. */
static json_t *without_added_id(struct arena *arena, const struct room_version *version,
                                json_t *pdu)
{
    if (version->event_id_format == EVENT_ID_CARRIED || json_object_get(pdu, "event_id") == NULL)
        return pdu;
    json_t *copy = json_on_arena(arena, json_copy(pdu));
    json_object_del(copy, "event_id");
    return copy;
}

static void check_hashes(struct checked_room *room, const struct checked_event *checked,
                         const json_t *pdu)
{
    const char *claimed_id = json_get_string(pdu, "event_id");

    if (!event_content_hash_matches(checked->event.json))
        find_fault(room, checked, ROOM_CHECK_HASH,
                   "the content hash differs: the event was redacted or changed");
    if (claimed_id != NULL && strcmp(claimed_id, checked->event.event_id) != 0)
        find_fault(room, checked, ROOM_CHECK_HASH,
                   arena_printf(room->arena, "the list calls this event %s", claimed_id));
}

struct counted_lookup {
    const struct room_check_options *options;
    size_t misses;
};

static bool find_key(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out)
{
    struct counted_lookup *lookup = context;
    bool is_known =
        lookup->options->find_key(lookup->options->find_key_context, server_name, key_id, out);

    lookup->misses += !is_known;
    return is_known;
}

/* Step 2. What is signed with keys that nobody here knows can be neither believed nor blamed. */
static void check_signatures(struct checked_room *room, struct checked_event *checked)
{
    struct counted_lookup lookup = {.options = &room->options};
    struct error error = {0};

    if (room->options.find_key == NULL)
        return;
    enum errcode code = event_verify_signatures(&checked->event, find_key, &lookup, &error);
    if (code == OK) {
        room->report->verified_count++;
    } else if (code == M_UNAUTHORIZED && lookup.misses > 0) {
        room->report->unverified_count++;
    } else {
        checked->event.rejected = true;
        find_fault(room, checked, ROOM_CHECK_SIGNATURE, arena_strdup(room->arena, error.text));
    }
}

static void read_pdu(struct checked_room *room, size_t index, json_t *pdu)
{
    json_t *json = without_added_id(room->arena, room->report->version, pdu);
    struct checked_event *checked = ARENA_NEW(room->arena, struct checked_event);
    const struct event *event;
    struct error error = {0};

    if (event_parse(room->arena, room->report->version, json, &error, &event) != OK) {
        add_finding(room, ROOM_CHECK_NO_EVENT, index, json_get_string(pdu, "event_id"),
                    arena_strdup(room->arena, error.text));
        return;
    }
    if (map_contains(room->refs, event->event_id))
        return; /* the same event twice */
    checked->event = *event;
    checked->index = index;
    array_push(room->arena, &room->events, checked);
    map_set(room->refs, event->event_id, (void *)(intptr_t)room->events.count);
    if (room->create == NULL && event_is(event, "m.room.create", ""))
        room->create = checked;
    check_hashes(room, checked, pdu);
    check_signatures(room, checked);
}

static void connect_event(struct checked_room *room, struct checked_event *checked, int64_t ref)
{
    for (size_t i = 0; i < checked->event.prev_event_count; i++) {
        struct checked_event *previous = find_event(room, checked->event.prev_events[i]);
        if (previous == NULL) {
            find_fault(room, checked, ROOM_CHECK_MISSING,
                       arena_printf(room->arena, "its previous event %s is not in the list",
                                    checked->event.prev_events[i]));
            continue;
        }
        array_push(room->arena, &previous->next_events, checked);
        checked->open_edges++;
    }
    for (size_t i = 0; i < checked->event.auth_event_count; i++) {
        struct checked_event *cited = find_event(room, checked->event.auth_events[i]);
        if (cited != NULL)
            array_push(room->arena, &cited->cited_by, ref);
    }
}

/* Judging. */

static const struct event *lookup_in_state(struct checked_room *room, const struct state_map *state,
                                           const char *type, const char *state_key)
{
    int64_t key = 0;

    if (source_key(room, type, state_key, &key) != OK)
        return NULL;
    int64_t ref = state_map_get(state, key);
    return ref != 0 ? &room->events.items[ref - 1]->event : NULL;
}

struct state_before {
    struct checked_room *room;
    const struct state_map *state;
};

static const struct event *lookup_before(void *context, const char *type, const char *state_key)
{
    const struct state_before *before = context;

    return lookup_in_state(before->room, before->state, type, state_key);
}

struct auth_list {
    const struct event *events[AUTH_EVENT_KEYS_MAX + 1];
    size_t count;
    bool is_complete;
};

static const struct event *lookup_listed(void *context, const char *type, const char *state_key)
{
    const struct auth_list *list = context;

    for (size_t i = 0; i < list->count; i++) {
        if (event_is(list->events[i], type, state_key))
            return list->events[i];
    }
    return NULL;
}

static void collect_auth_events(struct checked_room *room, const struct checked_event *checked,
                                struct auth_list *list)
{
    list->is_complete = true;
    for (size_t i = 0; i < checked->event.auth_event_count; i++) {
        const struct checked_event *cited = find_event(room, checked->event.auth_events[i]);
        /* One more than any event needs is enough to be refused for it. */
        if (cited != NULL && list->count < COUNT_OF(list->events))
            list->events[list->count++] = &cited->event;
        if (cited != NULL)
            continue;
        list->is_complete = false;
        find_fault(room, checked, ROOM_CHECK_MISSING,
                   arena_printf(room->arena, "its auth event %s is not in the list",
                                checked->event.auth_events[i]));
    }
}

static void reject(struct checked_room *room, struct checked_event *checked,
                   enum room_check_kind kind, const char *text)
{
    checked->event.rejected = true;
    find_fault(room, checked, kind, text);
}

/* Steps 4 and 5: allowed by its auth events, and by the state before it. */
static void judge(struct checked_room *room, struct checked_event *checked,
                  const struct state_map *state)
{
    bool create_is_implied = room->report->version->room_id_is_create_hash;
    struct state_before before = {room, state};
    struct auth_list list = {0};
    struct auth_state auth_state = {
        .lookup = lookup_listed,
        .context = &list,
        .create = create_is_implied && room->create != NULL ? &room->create->event : NULL,
        .signatures = room->options.signatures,
    };
    const char *why;

    if (room->create != NULL && strcmp(checked->event.room_id, room->create->event.room_id) != 0) {
        reject(room, checked, ROOM_CHECK_REJECTED, "it belongs to another room");
        return;
    }
    collect_auth_events(room, checked, &list);
    if (list.is_complete &&
        !auth_rules_check_auth_events(&checked->event, list.events, list.count, &why)) {
        reject(room, checked, ROOM_CHECK_AUTH_EVENTS, why);
        return;
    }
    if (list.is_complete && !auth_rules_check(&checked->event, &auth_state, &why)) {
        checked->event.rejected = true;
        find_fault(room, checked, ROOM_CHECK_REJECTED,
                   arena_printf(room->arena, "by its auth events: %s", why));
        return;
    }
    auth_state.lookup = lookup_before;
    auth_state.context = &before;
    if (!auth_rules_check(&checked->event, &auth_state, &why))
        reject(room, checked, ROOM_CHECK_REJECTED,
               arena_printf(room->arena, "by the state before it: %s", why));
}

static enum errcode resolve(struct checked_room *room, struct state_map *const *sets, size_t count,
                            struct state_map **out)
{
    const struct event_source source = {
        .context = room,
        .event = source_event,
        .event_ref = source_ref,
        .state_key = source_key,
        .cited_by = source_cited_by,
    };
    const struct state_resolution request = {
        .version = room->report->version,
        .state_sets = sets,
        .set_count = count,
        .source = &source,
        .signatures = room->options.signatures,
    };

    if (count > 1)
        room->report->resolution_count++;
    return state_resolution_resolve(room->arena, &request, out);
}

/* Where a gap hides the previous events, the state of the event judged last stands in. */
static enum errcode find_state_before(struct checked_room *room,
                                      const struct checked_event *checked, struct state_map **out)
{
    struct state_map *sets[PREV_EVENTS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < checked->event.prev_event_count && count < COUNT_OF(sets); i++) {
        const struct checked_event *previous = find_event(room, checked->event.prev_events[i]);
        if (previous != NULL)
            sets[count++] = previous->state_after;
    }
    if (count == 0 && checked->event.prev_event_count > 0)
        sets[count++] = room->latest;
    return resolve(room, sets, count, out);
}

static enum errcode process_event(struct checked_room *room, struct checked_event *checked)
{
    struct state_map *before = NULL;
    int64_t key = 0;

    TRY(find_state_before(room, checked, &before));
    judge(room, checked, before);
    checked->is_judged = true;
    room->report->event_count++;
    if (checked->event.rejected)
        room->report->rejected_count++;
    if (checked->event.rejected || checked->event.state_key == NULL) {
        checked->state_after = before;
    } else {
        intptr_t ref = (intptr_t)map_get(room->refs, checked->event.event_id);
        enum errcode code = source_key(room, checked->event.type, checked->event.state_key, &key);
        checked->state_after = state_map_set(before, key, ref);
        state_map_release(before);
        TRY(code);
    }
    room->latest = checked->state_after;
    return OK;
}

struct event_queue {
    struct checked_event **items;
    size_t count;
    size_t capacity;
};

static int compare_depths(const void *a, const void *b)
{
    const struct checked_event *left = *(struct checked_event *const *)a;
    const struct checked_event *right = *(struct checked_event *const *)b;

    if (left->event.depth != right->event.depth)
        return left->event.depth < right->event.depth ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Events that follow nothing in the list: the create event, and those after a gap. Sorted by what
 * they say about their depth, as nothing else tells where a gap is. */
static void find_starts(struct checked_room *room, struct event_queue *starts)
{
    for (size_t i = 0; i < room->events.count; i++) {
        if (room->events.items[i]->open_edges == 0)
            array_push(room->arena, starts, room->events.items[i]);
    }
    if (starts->count > 0)
        qsort(starts->items, starts->count, sizeof(*starts->items), compare_depths);
}

/* Ancestors first. What follows a gap waits until all that does not is done. */
static enum errcode process_all(struct checked_room *room)
{
    struct event_queue starts = {0}, ready = {0};
    size_t started = 0;

    find_starts(room, &starts);
    for (size_t i = 0; i < ready.count || started < starts.count; i++) {
        if (i == ready.count)
            array_push(room->arena, &ready, starts.items[started++]);
        struct checked_event *checked = ready.items[i];
        TRY(process_event(room, checked));
        for (size_t j = 0; j < checked->next_events.count; j++) {
            if (--checked->next_events.items[j]->open_edges == 0)
                array_push(room->arena, &ready, checked->next_events.items[j]);
        }
    }
    for (size_t i = 0; i < room->events.count; i++) {
        if (!room->events.items[i]->is_judged)
            find_fault(room, room->events.items[i], ROOM_CHECK_CIRCLE, "it is its own ancestor");
    }
    return OK;
}

static bool add_state_event(void *context, int64_t key, int64_t ref)
{
    struct checked_room *room = context;

    (void)key;
    array_push(room->arena, &room->report->state, &room->events.items[ref - 1]->event);
    return true;
}

/* Rejected and soft-failed events: nothing is built upon them here, but others may. */
static bool is_set_aside(const struct checked_room *room, const struct checked_event *checked)
{
    return checked->event.rejected ||
           (room->options.soft_failed != NULL && room->options.soft_failed[checked->index]);
}

/* The room does not end in what an accepted event names, nor in what is behind that when it was set
 * aside. */
static void mark_built_upon(struct checked_room *room)
{
    struct event_queue builders = {0};

    for (size_t i = 0; i < room->events.count; i++) {
        if (!is_set_aside(room, room->events.items[i]))
            array_push(room->arena, &builders, room->events.items[i]);
    }
    for (size_t i = 0; i < builders.count; i++) {
        const struct event *event = &builders.items[i]->event;
        for (size_t j = 0; j < event->prev_event_count; j++) {
            struct checked_event *previous = find_event(room, event->prev_events[j]);
            if (previous == NULL || previous->is_built_upon)
                continue;
            previous->is_built_upon = true;
            if (is_set_aside(room, previous))
                array_push(room->arena, &builders, previous);
        }
    }
}

/* The state after the events that no other follows. */
static enum errcode find_final_state(struct checked_room *room)
{
    struct state_map *sets[STATE_SETS_MAX];
    struct state_map *final = NULL;
    size_t count = 0;

    mark_built_upon(room);
    for (size_t i = 0; i < room->events.count && count < COUNT_OF(sets); i++) {
        const struct checked_event *checked = room->events.items[i];
        if (checked->is_judged && !checked->is_built_upon && !is_set_aside(room, checked))
            sets[count++] = checked->state_after;
    }
    TRY(resolve(room, sets, count, &final));
    state_map_visit(final, add_state_event, room);
    state_map_release(final);
    return OK;
}

enum errcode room_check(struct arena *arena, json_t *const *pdus, size_t count,
                        const struct room_check_options *options, struct error *error,
                        struct room_check_report *out)
{
    SCOPED(checked_room_finish)
    struct checked_room room = {
        .arena = arena,
        .report = out,
        .refs = map_create(arena),
        .keys = map_create(arena),
    };

    if (options != NULL)
        room.options = *options;
    if (room.options.signatures == NULL)
        room.options.signatures = &default_signatures;
    *out = (struct room_check_report){0};
    TRY(find_version(pdus, count, error, &out->version));
    for (size_t i = 0; i < count; i++)
        read_pdu(&room, i, pdus[i]);
    if (room.create != NULL)
        out->room_id = room.create->event.room_id;
    for (size_t i = 0; i < room.events.count; i++)
        connect_event(&room, room.events.items[i], (int64_t)i + 1);
    TRY(process_all(&room));
    return find_final_state(&room);
}
