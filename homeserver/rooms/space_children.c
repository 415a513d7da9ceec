/* The m.space.child events of a space, checked and sorted. */
#include "homeserver/rooms/space_children.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/rooms/room_state.h"
#include "storage/events.h"

enum { ORDER_CHARS_MAX = 50, SERVERS_MAX = 10 };

/* Spec: at most 50 characters of U+0020 to U+007E; anything else counts as absent. */
static const char *valid_order(const json_t *content)
{
    const char *order = json_get_string(content, "order");

    if (order == NULL || strlen(order) > ORDER_CHARS_MAX)
        return NULL;
    for (const char *c = order; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e)
            return NULL;
    }
    return order;
}

/* Without a server to ask there is no way to the room: such a child does not count. */
static bool has_via(const json_t *content)
{
    json_t *via = json_get_array(content, "via"), *server;
    size_t i;

    json_array_foreach (via, i, server) {
        if (!json_is_text(server))
            return false;
    }
    return json_array_size(via) > 0;
}

static void read_servers(struct arena *arena, const json_t *content, struct space_child *out)
{
    json_t *via = json_get_array(content, "via"), *server;
    size_t i;

    out->servers = ARENA_ARRAY(arena, json_array_size(via), const char *);
    json_array_foreach (via, i, server) {
        if (server_name_is_valid(json_text(server)) && out->server_count < SERVERS_MAX)
            out->servers[out->server_count++] = json_text(server);
    }
}

static bool read_child(struct arena *arena, json_t *event, struct space_child *out)
{
    json_t *content = json_get_object(event, "content");
    const char *room_id = json_get_string(event, "state_key");
    int64_t ts = 0;

    if (!room_id_is_valid(room_id) || !has_via(content))
        return false;
    (void)json_get_int(event, "origin_server_ts", &ts); /* stored events have it */
    *out = (struct space_child){
        .room_id = room_id,
        .order = valid_order(content),
        .origin_server_ts = ts,
        .stripped = json_on_arena(arena, json_pack("{ss, ss, sO, sO?, sI}", "type", "m.space.child",
                                                   "state_key", room_id, "content", content,
                                                   "sender", json_object_get(event, "sender"),
                                                   "origin_server_ts", (json_int_t)ts)),
    };
    read_servers(arena, content, out);
    return true;
}

/* Spec: by `order` where there is one, then those without by age; room IDs settle the rest. */
static int compare_children(const void *left, const void *right)
{
    const struct space_child *a = left, *b = right;

    if ((a->order == NULL) != (b->order == NULL))
        return a->order == NULL ? 1 : -1;
    if (a->order != NULL && strcmp(a->order, b->order) != 0)
        return strcmp(a->order, b->order);
    if (a->origin_server_ts != b->origin_server_ts)
        return a->origin_server_ts < b->origin_server_ts ? -1 : 1;
    return strcmp(a->room_id, b->room_id);
}

static bool is_wanted(const json_t *event, bool suggested_only)
{
    return !suggested_only || json_get_bool(json_get_object(event, "content"), "suggested", false);
}

void space_children_read(struct arena *arena, const json_t *events, bool suggested_only,
                         struct space_child **out, size_t *count_out)
{
    json_t *event;
    size_t i;

    *out = ARENA_ARRAY(arena, json_array_size(events), struct space_child);
    *count_out = 0;
    json_array_foreach (events, i, event) {
        const char *type = json_get_string(event, "type");
        if (type != NULL && strcmp(type, "m.space.child") == 0 &&
            is_wanted(event, suggested_only) && read_child(arena, event, &(*out)[*count_out]))
            (*count_out)++;
    }
    qsort(*out, *count_out, sizeof(**out), compare_children);
}

enum errcode space_children_load(struct call *call, int64_t room_nid, bool suggested_only,
                                 struct space_child **out, size_t *count_out)
{
    struct stored_event *events;
    struct nid_list nids;
    struct room_head *head;
    struct room *room;
    size_t event_count;

    TRY(room_open_by_nid(call, room_nid, &room));
    TRY(room_committed_head(call, room, &head));
    TRY(room_state_of_type(call, head->state, "m.space.child", &nids));
    TRY(events_load(call->db, call->arena, nids.items, nids.count, &events, &event_count));
    *out = ARENA_ARRAY(call->arena, event_count, struct space_child);
    *count_out = 0;
    for (size_t i = 0; i < event_count; i++) {
        json_t *event;
        TRY(json_parse_object(call->arena, events[i].json, events[i].json_size, call->error,
                              &event));
        if (is_wanted(event, suggested_only) && read_child(call->arena, event, &(*out)[*count_out]))
            (*count_out)++;
    }
    qsort(*out, *count_out, sizeof(**out), compare_children);
    return OK;
}
