/* Judging events by each other, without recursion: how deep they refer is for others to say. */
#include "federation/receiver/event_set.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"

struct member {
    const struct pdu_signed *pdu;
    const struct event *known;           /* judged before; then the rest is NULL */
    const struct pdu_authorised *judged; /* NULL: not yet */
    bool is_open;                        /* its auth events are being judged */
};

struct event_set {
    struct arena *arena;
    struct map *members; /* event ID -> struct member */
    const struct event *create;
    ARRAY_OF(const struct pdu_authorised *) judged;
};

static void judge(struct event_set *set, struct member *member)
{
    const struct event *event = pdu_signed_event(member->pdu);
    const struct event **auth_events =
        ARENA_ARRAY(set->arena, event->auth_event_count, const struct event *);

    for (size_t i = 0; i < event->auth_event_count; i++) {
        const struct member *auth = map_get(set->members, event->auth_events[i]);
        if (auth != NULL)
            auth_events[i] = auth->judged != NULL ? pdu_event_of(auth->judged) : auth->known;
    }
    bool is_create = event_is(event, "m.room.create", "");
    const struct pdu_context context = {
        .auth_events = auth_events,
        .create = is_create ? NULL : set->create,
    };
    member->judged = pdu_authorise(set->arena, member->pdu, &context);
    if (is_create && pdu_outcome_of(member->judged) != PDU_REJECTED && set->create == NULL)
        set->create = pdu_event_of(member->judged);
    array_push(set->arena, &set->judged, member->judged);
}

/* The first auth event that is to be judged before; NULL when there is none. */
static struct member *next_auth(const struct event_set *set, const struct member *member)
{
    const struct event *event = pdu_signed_event(member->pdu);

    for (size_t i = 0; i < event->auth_event_count; i++) {
        struct member *auth = map_get(set->members, event->auth_events[i]);
        if (auth != NULL && auth->known == NULL && auth->judged == NULL && !auth->is_open)
            return auth;
    }
    return NULL;
}

static void judge_with_ancestors(struct event_set *set, struct member *member)
{
    ARRAY_OF(struct member *) stack = {0};

    if (member->judged != NULL || member->known != NULL)
        return;
    array_push(set->arena, &stack, member);
    while (stack.count > 0) {
        struct member *top = stack.items[stack.count - 1];
        struct member *auth = next_auth(set, top);
        top->is_open = true;
        if (auth != NULL) {
            array_push(set->arena, &stack, auth);
            continue;
        }
        judge(set, top);
        stack.count--;
    }
}

enum errcode event_set_judge(struct call *call, const struct pdu_signed *const *pdus, size_t count,
                             const struct known_events *known, struct event_set **out)
{
    struct event_set *set = ARENA_NEW(call->arena, struct event_set);

    set->arena = call->arena;
    set->members = map_create(call->arena);
    set->create = known->create;
    for (size_t i = 0; i < known->count; i++) {
        struct member *member = ARENA_NEW(call->arena, struct member);
        member->known = known->items[i];
        map_set(set->members, known->items[i]->event_id, member);
    }
    for (size_t i = 0; i < count; i++) {
        if (pdus[i] == NULL || map_contains(set->members, pdu_signed_event(pdus[i])->event_id))
            continue;
        struct member *member = ARENA_NEW(call->arena, struct member);
        member->pdu = pdus[i];
        map_set(set->members, pdu_signed_event(pdus[i])->event_id, member);
        /* v12 finds it by the room's ID, not among the auth events: it comes first. */
        if (event_is(pdu_signed_event(pdus[i]), "m.room.create", ""))
            judge_with_ancestors(set, member);
    }
    for (const struct map_entry *e = map_first(set->members); e != NULL; e = map_next(e))
        judge_with_ancestors(set, e->value);
    *out = set;
    return OK;
}

const struct pdu_authorised *event_set_find(const struct event_set *set, const char *event_id)
{
    const struct member *member = map_get(set->members, event_id);

    return member != NULL ? member->judged : NULL;
}

const struct event *event_set_create(const struct event_set *set)
{
    return set->create;
}

const struct pdu_authorised *const *event_set_events(const struct event_set *set, size_t *count_out)
{
    *count_out = set->judged.count;
    return set->judged.items;
}
