/* Members that a room's state lacks. */
#include "homeserver/rooms/named_members.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/branches.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"

static bool is_member_that_holds(const struct named_members *named, size_t i)
{
    const struct event *auth = named->auth_events[i];

    return auth != NULL && !auth->rejected && named->nids[i] != 0 && auth->state_key != NULL &&
           strcmp(auth->type, "m.room.member") == 0;
}

/* Another profile is no contradiction. */
static bool contradicts(const struct event *named, const struct event *known)
{
    const char *one = event_membership(named);
    const char *other = known != NULL ? event_membership(known) : NULL;

    return one != NULL && (other == NULL || strcmp(one, other) != 0);
}

/* `with` has what was missing; `as_named` also has what is known otherwise. */
static enum errcode put(struct call *call, const struct named_members *named,
                        struct state_map **with, struct state_map **as_named)
{
    struct state_keys *keys = room_service_state_keys(call->services->rooms);

    for (size_t i = 0; i < named->count; i++) {
        const struct event *auth = named->auth_events[i], *known;
        int64_t key;
        if (!is_member_that_holds(named, i))
            continue;
        TRY(state_key_intern(keys, call->db, "m.room.member", auth->state_key, &key));
        if (state_map_get(*with, key) == 0) {
            state_map_put(with, key, named->nids[i]);
            state_map_put(as_named, key, named->nids[i]);
            continue;
        }
        const struct state_key name = {"m.room.member", auth->state_key};
        TRY(room_state_event(call, named->room, *with, &name, &known));
        if (contradicts(auth, known))
            state_map_put(as_named, key, named->nids[i]);
    }
    return OK;
}

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

enum errcode named_members_resolve(struct call *call, const struct named_members *named,
                                   struct state_map *state, struct state_map **out)
{
    static const struct fresh_event none = {0};
    struct state_map *with = state_map_acquire(state), *as_named = state_map_acquire(state);

    enum errcode outcome = put(call, named, &with, &as_named);
    arena_defer(call->arena, release_map_deferred, with);
    arena_defer(call->arena, release_map_deferred, as_named);
    TRY(outcome);
    *out = room_states_equal(with, state) ? state : with;
    if (room_states_equal(with, as_named))
        return OK;
    TRY(rooms_flush(call)); /* the resolution reads what was only just built */
    struct state_map *items[] = {*out, as_named};
    TRY(branches_merge(call, named->room, &(struct state_list){items, 2}, &none, out));
    if (room_states_equal(*out, state))
        *out = state;
    return OK;
}
