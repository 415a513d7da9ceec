/* Whom events concern: users, rooms and aliases against namespaces, remembered. */
#include "homeserver/appservice/interest.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/services.h"
#include "storage/appservice_changes.h"
#include "storage/events.h"
#include "storage/room_aliases.h"

enum { SLOT_COUNT = 1 << 15 };

/* What is known of a user or a room; a newcomer replaces whoever has the slot. */
struct slot {
    int64_t nid; /* 0: empty */
    uint64_t mask;
};

struct interest {
    const struct appservice_set *set;
    uint64_t generation;
    struct slot users[SLOT_COUNT];
    struct slot rooms[SLOT_COUNT];   /* by members and room IDs */
    struct slot aliases[SLOT_COUNT]; /* by aliases; only for one piece of the stream */
};

struct interest *interest_create(void)
{
    struct interest *interest = calloc(1, sizeof(*interest));

    if (interest == NULL)
        abort();
    return interest;
}

void interest_destroy(struct interest *interest)
{
    free(interest);
}

void interest_begin(struct interest *interest, const struct appservice_set *set)
{
    interest->set = set;
    /* Setting an alias is not an event, so what was known of aliases may be wrong by now. */
    memset(interest->aliases, 0, sizeof(interest->aliases));
    if (interest->generation == set->generation)
        return;
    memset(interest->users, 0, sizeof(interest->users));
    memset(interest->rooms, 0, sizeof(interest->rooms));
    interest->generation = set->generation;
}

static struct slot *slot_of(struct slot *slots, int64_t nid)
{
    return &slots[(uint64_t)nid % SLOT_COUNT];
}

static uint64_t match_room_id(const struct interest *interest, const char *room_id)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < interest->set->count; i++) {
        if (namespaces_match(interest->set->items[i].rooms, room_id))
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

static uint64_t match_alias(const struct interest *interest, const char *alias)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < interest->set->count; i++) {
        if (namespaces_match(interest->set->items[i].aliases, alias))
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

/* Spec: "application services can only register interest in local users". */
static uint64_t match_user(const struct interest *interest, struct call *call, const char *user_id)
{
    uint64_t mask = 0;

    if (!config_hosts_user(config_current(call->services->config), user_id))
        return 0;
    for (size_t i = 0; i < interest->set->count; i++) {
        if (appservice_owns_user(&interest->set->items[i], user_id))
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

static uint64_t user_mask(struct interest *interest, struct call *call, int64_t user_nid,
                          const char *user_id)
{
    struct slot *slot = slot_of(interest->users, user_nid);

    if (slot->nid != user_nid)
        *slot = (struct slot){user_nid, match_user(interest, call, user_id)};
    return slot->mask;
}

/* The user's membership changed since: what it was then is in the event of that time. */
static enum errcode was_present(struct call *call, const struct interest_room *room,
                                const char *user_id, bool *out)
{
    struct stored_event event;
    const char *membership;
    int64_t event_nid;

    *out = false;
    TRY(appservice_membership_before(call->db, call->arena, room->room_nid, user_id, room->position,
                                     &event_nid));
    if (event_nid == 0)
        return OK;
    TRY(event_load(call->db, call->arena, event_nid, &event));
    TRY(event_subject_membership(call, &event, &membership));
    *out = membership != NULL &&
           (strcmp(membership, "join") == 0 || strcmp(membership, "invite") == 0);
    return OK;
}

static enum errcode members_mask(struct interest *interest, struct call *call,
                                 const struct interest_room *room, uint64_t *out)
{
    struct appservice_member *members;
    size_t count;

    TRY(appservice_members(call->db, call->arena, room->room_nid, room->position, &members,
                           &count));
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t mask = user_mask(interest, call, members[i].user_nid, members[i].user_id);
        bool was_there = members[i].is_in_room;
        if ((mask & ~*out) == 0)
            continue;
        if (members[i].position >= room->position)
            TRY(was_present(call, room, members[i].user_id, &was_there));
        if (was_there)
            *out |= mask;
    }
    return OK;
}

static enum errcode aliases_mask(struct interest *interest, struct call *call, int64_t room_nid,
                                 uint64_t *out)
{
    struct slot *slot = slot_of(interest->aliases, room_nid);
    const char **aliases;
    size_t count;

    if (slot->nid != room_nid) {
        TRY(room_aliases_of_room(call->db, call->arena, room_nid, &aliases, &count));
        *slot = (struct slot){.nid = room_nid};
        for (size_t i = 0; i < count; i++)
            slot->mask |= match_alias(interest, aliases[i]);
    }
    *out = slot->mask;
    return OK;
}

static bool anybody_wants_aliases(const struct interest *interest)
{
    for (size_t i = 0; i < interest->set->count; i++) {
        if (!namespaces_are_empty(interest->set->items[i].aliases))
            return true;
    }
    return false;
}

enum errcode interest_in_room(struct interest *interest, struct call *call,
                              const struct interest_room *room, uint64_t *out)
{
    struct slot *slot = slot_of(interest->rooms, room->room_nid);
    uint64_t members, aliases = 0;

    if (slot->nid != room->room_nid) {
        TRY(members_mask(interest, call, room, &members));
        *slot = (struct slot){room->room_nid, members | match_room_id(interest, room->room_id)};
    }
    if (anybody_wants_aliases(interest))
        TRY(aliases_mask(interest, call, room->room_nid, &aliases));
    *out = slot->mask | aliases;
    return OK;
}

enum errcode interest_in_event(struct interest *interest, struct call *call,
                               const struct appservice_event *event, uint64_t *out)
{
    const struct interest_room room = {event->room_nid, event->room_id, event->position};
    uint64_t mask, member = 0;

    TRY(interest_in_room(interest, call, &room, &mask));
    if (event->member != NULL)
        member = match_user(interest, call, event->member);
    /* From the next event on the room may concern others. */
    if (member != 0)
        *slot_of(interest->rooms, event->room_nid) = (struct slot){0};
    *out = mask | member | user_mask(interest, call, event->sender_nid, event->sender);
    return OK;
}

enum errcode interest_in_user(struct interest *interest, struct call *call,
                              const struct interest_user *user, uint64_t *out)
{
    const uint64_t everybody = UINT64_MAX >> (APPSERVICES_MAX - interest->set->count);
    struct appservice_room *rooms;
    size_t count;
    uint64_t mask;

    *out = user_mask(interest, call, user->user_nid, user->user_id);
    TRY(appservice_rooms_of_user(call->db, call->arena, user->user_nid, &rooms, &count));
    for (size_t i = 0; i < count && *out != everybody; i++) {
        const struct interest_room room = {rooms[i].room_nid, rooms[i].room_id, user->position};
        TRY(interest_in_room(interest, call, &room, &mask));
        *out |= mask;
    }
    return OK;
}
