/* Who did not hear of device lists while a room's members were not known. */
#include "homeserver/rooms/missed_devices.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/services.h"
#include "storage/federation_queues.h"
#include "storage/journal.h"

/* A member whose server we were not told of. */
struct unknown_member {
    int64_t key_nid;
    int64_t event_nid;
    const char *server_name;
};

struct missed_devices {
    struct call *call;
    const struct partial_state_room *partial;
    struct map *told;    /* server names that heard of everything */
    struct map *unknown; /* those of the members: the keys are shared by them */
    ARRAY_OF(struct unknown_member) members;
};

struct missed_devices *missed_devices_create(struct call *call,
                                             const struct partial_state_room *partial)
{
    struct missed_devices *missed = ARENA_NEW(call->arena, struct missed_devices);

    missed->call = call;
    missed->partial = partial;
    missed->told = map_create(call->arena);
    missed->unknown = map_create(call->arena);
    for (size_t i = 0; i < partial->server_count; i++)
        map_set(missed->told, partial->servers[i], NULL);
    return missed;
}

enum errcode missed_devices_see(struct missed_devices *missed, const struct stored_event *event)
{
    const struct config *config = config_current(missed->call->services->config);
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct call call = *missed->call;
    struct event_subject subject;
    const char *membership;

    if (event->state_key_nid == 0)
        return OK;
    call.arena = arena;
    TRY(event_subject_read(&call, event, &subject));
    if (strcmp(subject.type, "m.room.member") != 0 || subject.state_key == NULL)
        return OK;
    const char *server_name = identifier_domain(subject.state_key);
    if (server_name == NULL || map_contains(missed->told, server_name) ||
        config_hosts(config, server_name))
        return OK;
    TRY(event_subject_membership(&call, event, &membership));
    if (membership == NULL || strcmp(membership, "join") != 0)
        return OK;
    map_set(missed->unknown, server_name, NULL);
    const struct unknown_member member = {
        .key_nid = event->state_key_nid,
        .event_nid = event->event_nid,
        .server_name = arena_strdup(missed->call->arena, server_name),
    };
    array_push(missed->call->arena, &missed->members, member);
    return OK;
}

/* The servers by whether they are in the room still. */
static void sort_servers(struct missed_devices *missed, const struct state_map *state,
                         struct missed_changes_query *out)
{
    struct arena *arena = missed->call->arena;
    struct map *here = map_create(arena);
    ARRAY_OF(const char *) are_here = {0}, are_gone = {0};

    for (size_t i = 0; i < missed->members.count; i++) {
        const struct unknown_member *member = &missed->members.items[i];
        if (state_map_get(state, member->key_nid) == member->event_nid)
            map_set(here, member->server_name, NULL);
    }
    for (const struct map_entry *e = map_first(missed->unknown); e != NULL; e = map_next(e)) {
        if (map_contains(here, e->key))
            array_push(arena, &are_here, e->key);
        else
            array_push(arena, &are_gone, e->key);
    }
    out->here = are_here.items;
    out->here_count = are_here.count;
    out->gone = are_gone.items;
    out->gone_count = are_gone.count;
}

static const char *make_edu(struct call *call, const struct federation_device_change *change)
{
    const struct device_list_update_edu update = {
        .user_id = change->user_id,
        .device_id = change->device_id,
        .stream_id = change->position,
    };

    return json_compact(call->arena,
                        json_on_arena(call->arena, edu_build_device_list_update(&update)));
}

/* An entry for each user: the outbox takes one EDU for a server in an entry. */
enum errcode missed_devices_tell(struct missed_devices *missed, const struct state_map *state)
{
    struct call *call = missed->call;
    struct missed_changes_query query = {
        .room_nid = missed->partial->room_nid,
        .since = missed->partial->began_position,
    };
    struct missed_device_change *changes;
    size_t count, i = 0;

    if (missed->members.count == 0)
        return OK;
    sort_servers(missed, state, &query);
    TRY(federation_missed_changes_load(call->db, call->arena, &query, &changes, &count));
    while (i < count) {
        const struct federation_device_change *change = &changes[i].change;
        const char *edu = make_edu(call, change);
        if (edu == NULL)
            return E_SYSTEM;
        struct journal_entry *entry = journal_entry_create();
        for (; i < count && strcmp(changes[i].change.user_id, change->user_id) == 0; i++)
            federation_outbox_add_in(entry, identifier_domain(change->user_id),
                                     changes[i].server_name, edu);
        journal_submit(call->services->journal, entry, call->commits);
    }
    return OK;
}

enum errcode missed_devices_tell_again_in(struct call *call, struct journal_entry *entry,
                                          const struct partial_state_room *partial,
                                          int64_t user_nid)
{
    const struct lost_servers_query query = {user_nid, partial->servers, partial->server_count};
    struct missed_device_change *lost;
    size_t count;

    TRY(federation_lost_servers_load(call->db, call->arena, &query, &lost, &count));
    for (size_t i = 0; i < count; i++) {
        const char *edu = make_edu(call, &lost[i].change);
        if (edu == NULL)
            return E_SYSTEM;
        federation_outbox_add_in(entry, identifier_domain(lost[i].change.user_id),
                                 lost[i].server_name, edu);
    }
    return OK;
}
