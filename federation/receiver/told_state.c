/* Storing a told state in portions. */
#include "federation/receiver/told_state.h"

#include <stdlib.h>
#include <string.h>

#include "federation/receiver/event_set.h"
#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/rooms/import_room.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"

enum {
    EVENTS_MAX = 400000,
    PORTION = 500,
    PASSES_MAX = 100,
    DEPTH_DIGITS_MAX = 20,
};

/* An event that was not stored yet, as text. */
struct told_event {
    struct json_span text;
    int64_t depth;
};

struct telling {
    struct call *call;
    struct room *room;
    ARRAY_OF(struct told_event) events;
    size_t left; /* of these, the first so many have to wait for the next pass */
};

/* ── Cutting ─────────────────────────────────────────────────────────────────────────────────── */

/* Only for the order; the event itself is parsed later. */
static int64_t depth_of(struct json_span event)
{
    char digits[DEPTH_DIGITS_MAX + 1] = "";
    struct json_parts parts;
    struct json_member member;

    json_parts_start(&parts, event);
    while (json_parts_next(&parts, &member)) {
        if (json_span_equals(member.name, "depth") && member.value.size <= DEPTH_DIGITS_MAX) {
            memcpy(digits, member.value.bytes, member.value.size);
            break;
        }
    }
    return strtoll(digits, NULL, 10);
}

static void cut_list(struct telling *telling, struct json_span list)
{
    struct json_parts parts;
    struct json_member element;

    json_parts_start(&parts, list);
    while (json_parts_next(&parts, &element) && telling->events.count < EVENTS_MAX) {
        const struct told_event event = {element.value, depth_of(element.value)};
        array_push(telling->call->arena, &telling->events, event);
    }
}

static int compare_depth(const void *a, const void *b)
{
    const struct told_event *left = a, *right = b;

    return (left->depth > right->depth) - (left->depth < right->depth);
}

static void cut(struct telling *telling, struct json_span answer)
{
    struct json_parts parts;
    struct json_member member;

    json_parts_start(&parts, answer);
    while (json_parts_next(&parts, &member)) {
        if (json_span_equals(member.name, "auth_chain") || json_span_equals(member.name, "pdus"))
            cut_list(telling, member.value);
    }
    if (telling->events.count > 1)
        qsort(telling->events.items, telling->events.count, sizeof(*telling->events.items),
              compare_depth);
}

/* ── A portion ───────────────────────────────────────────────────────────────────────────────── */

struct portion {
    struct call call; /* on an arena of its own */
    struct told_event *told;
    size_t count;
    /* Parallel; NULL: it is stored, does not hold or has to wait. */
    const struct pdu_signed **pdus;
    struct known_events known;
    struct map *named; /* event ID of the portion or of a known auth event -> NULL */
};

/* The ID of an event whose text is canonical, as a server that splices stored bytes sends it, at a
 * tenth of what reading it costs; NULL or another ID for any other text. */
static const char *guess_id(struct arena *arena, const struct room_version *version,
                            struct json_span text)
{
    SCOPED(strbuf_finish) struct strbuf signed_bytes;
    uint8_t hash[SHA256_BYTES];
    struct json_scan scan;
    struct json_member member;
    const char *type = NULL;

    strbuf_init(&signed_bytes, 0);
    if (text.size > EVENT_TEXT_BYTES_MAX)
        return NULL;
    json_scan_start(&scan, text);
    while (type == NULL && json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "type") && member.value.size > 2)
            type = arena_strndup(arena, member.value.bytes + 1, member.value.size - 2);
    }
    if (type == NULL)
        return NULL;
    redaction_splice(version, type, text, &signed_bytes);
    sha256(signed_bytes.data, signed_bytes.length, hash);
    return event_id_of_hash(arena, version, hash);
}

static bool is_same(struct json_span a, struct json_span b)
{
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* Whoever has a stored event's hash is that event, whatever else is in its text. What stands in the
 * state and in the auth chain is looked at once. */
static enum errcode leave_out_known(const struct telling *telling, struct portion *p)
{
    struct call *call = &p->call;
    const struct room_version *version = room_version_of(telling->room);
    const char **ids = ARENA_ARRAY(call->arena, p->count, const char *);
    int64_t *nids = ARENA_ARRAY(call->arena, p->count, int64_t);
    struct map *texts = map_create(call->arena); /* event ID -> struct json_span */
    size_t kept = 0;

    if (version->event_id_format == EVENT_ID_CARRIED)
        return OK;
    for (size_t i = 0; i < p->count; i++) {
        const char *id = guess_id(call->arena, version, p->told[i].text);
        ids[i] = id != NULL ? id : "";
    }
    TRY(event_nids_find(call->db, call->arena, room_nid(telling->room), ids, p->count, nids));
    for (size_t i = 0; i < p->count; i++) {
        const struct json_span *seen = map_get(texts, ids[i]);
        if (nids[i] != 0 || (seen != NULL && is_same(*seen, p->told[i].text)))
            continue;
        p->told[kept] = p->told[i];
        map_set(texts, ids[i], &p->told[kept++].text);
    }
    p->count = kept;
    return OK;
}

static enum errcode verify(const struct telling *telling, struct portion *p)
{
    struct call *call = &p->call;
    struct json_span *texts = ARENA_ARRAY(call->arena, p->count, struct json_span);
    const struct pdu_batch batch = {
        .version = room_version_of(telling->room),
        .room_id = room_id(telling->room),
        .texts = texts,
        .text_count = p->count,
        .is_history = true,
        .stored_in = room_nid(telling->room),
    };

    for (size_t i = 0; i < p->count; i++)
        texts[i] = p->told[i].text;
    return pdus_verify(call, &batch, &p->pdus, &p->count);
}

/* Auth events that are not among the portion's own. */
static enum errcode load_known(const struct telling *telling, struct portion *p)
{
    struct call *call = &p->call;
    ARRAY_OF(const char *) elsewhere = {0};
    struct map *asked = map_create(call->arena);
    struct stored_event *stored;
    struct room_head *head;
    size_t found;

    p->named = map_create(call->arena);
    for (size_t i = 0; i < p->count; i++) {
        if (p->pdus[i] != NULL)
            map_set(p->named, pdu_signed_event(p->pdus[i])->event_id, NULL);
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct event *event = p->pdus[i] != NULL ? pdu_signed_event(p->pdus[i]) : NULL;
        for (size_t k = 0; event != NULL && k < event->auth_event_count; k++) {
            if (map_contains(p->named, event->auth_events[k]) ||
                map_contains(asked, event->auth_events[k]))
                continue;
            map_set(asked, event->auth_events[k], NULL);
            array_push(call->arena, &elsewhere, event->auth_events[k]);
        }
    }
    TRY(events_load_by_ids(call->db, call->arena, elsewhere.items, elsewhere.count, &stored,
                           &found));
    const struct event **items = ARENA_ARRAY(call->arena, found, const struct event *);
    p->known = (struct known_events){.items = items};
    for (size_t i = 0; i < found; i++) {
        if (stored[i].room_nid != room_nid(telling->room))
            continue;
        TRY(stored_event_parse(call->arena, room_version_of(telling->room), &stored[i],
                               &items[p->known.count]));
        map_set(p->named, items[p->known.count++]->event_id, NULL);
    }
    TRY(room_committed_head(call, telling->room, &head));
    p->known.create = cached_event_get(head->create);
    return OK;
}

static bool has_its_auth_events(const struct portion *p, const struct event *event)
{
    for (size_t i = 0; i < event->auth_event_count; i++) {
        if (!map_contains(p->named, event->auth_events[i]))
            return false;
    }
    return true;
}

/* Depth is only a claim: what came too early waits, and so does what refers to it. */
static void put_off(struct telling *telling, struct portion *p)
{
    bool has_changed = true;

    while (has_changed) {
        struct map *named = map_create(p->call.arena);
        has_changed = false;
        for (size_t i = 0; i < p->count; i++) {
            if (p->pdus[i] == NULL)
                continue;
            const struct event *event = pdu_signed_event(p->pdus[i]);
            if (has_its_auth_events(p, event)) {
                map_set(named, event->event_id, NULL);
                continue;
            }
            telling->events.items[telling->left++] = p->told[i];
            p->pdus[i] = NULL;
            has_changed = true;
        }
        for (size_t i = 0; i < p->known.count; i++)
            map_set(named, p->known.items[i]->event_id, NULL);
        p->named = named;
    }
}

static enum errcode store(const struct telling *telling, struct portion *p)
{
    struct call *call = &p->call;
    struct event_set *set;
    size_t count, kept_count = 0;

    TRY(event_set_judge(call, p->pdus, p->count, &p->known, &set));
    const struct pdu_authorised *const *judged = event_set_events(set, &count);
    const struct pdu_authorised **kept =
        ARENA_ARRAY(call->arena, count, const struct pdu_authorised *);
    for (size_t i = 0; i < count; i++) {
        if (pdu_event_of(judged[i])->state_key != NULL)
            kept[kept_count++] = judged[i];
    }
    if (kept_count == 0)
        return OK;
    return room_import_outliers(call, telling->room, kept, kept_count, NULL);
}

/* The events `start` … of the list. Those that wait are written over others that were looked at. */
static enum errcode take_portion(struct telling *telling, size_t start, size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct portion portion = {.call = *telling->call, .count = count};

    portion.call.arena = arena;
    portion.told =
        arena_memdup(arena, &telling->events.items[start], count * sizeof(*portion.told));
    TRY(leave_out_known(telling, &portion));
    TRY(verify(telling, &portion));
    /* The portion before was being stored meanwhile; its events are looked for now. */
    TRY(commit_group_wait(portion.call.commits));
    TRY(load_known(telling, &portion));
    put_off(telling, &portion);
    return store(telling, &portion);
}

enum errcode told_state_store(struct call *call, struct room *room, struct json_span answer)
{
    struct telling telling = {.call = call, .room = room};
    size_t before = SIZE_MAX, count;

    cut(&telling, answer);
    count = telling.events.count;
    for (int pass = 0; count > 0 && count < before && pass < PASSES_MAX; pass++) {
        telling.left = 0;
        for (size_t i = 0; i < count; i += PORTION)
            TRY(take_portion(&telling, i, count - i < PORTION ? count - i : PORTION));
        before = count;
        count = telling.left;
    }
    if (count > 0)
        log_info(LOG_FEDERATION,
                 "%zu events of the state of %s name auth events that are not to be had.", count,
                 room_id(room));
    return commit_group_wait(call->commits);
}
