/* Readable makers of events for tests. */
#include "tests/support/builders.h"

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

json_t *build_json(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;

    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '\'')
            *c = '"';
    }
    json_t *json = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        fprintf(stderr, "not JSON: %s\n%s\n", text, error.text);
        abort();
    }
    free(copy);
    return json;
}

json_t *build_json_on(struct arena *arena, const char *text)
{
    return json_on_arena(arena, build_json(text));
}

int builders_version_number(const struct room_version *version)
{
    const char *dot = strrchr(version->id, '.');

    return (int)strtol(dot != NULL ? dot + 1 : version->id, NULL, 10);
}

/* v1 and v2 put a hash beside each ID. */
static json_t *id_list(const struct room_version *version, const char *const *ids, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        if (version->event_id_format == EVENT_ID_CARRIED)
            json_array_append_new(list, json_pack("[s, {s:s}]", ids[i], "sha256", "x"));
        else
            json_array_append_new(list, json_string(ids[i]));
    }
    return list;
}

/* The PDU's members; what the rules read stands in struct event. */
static json_t *build_pdu(const struct event *event)
{
    bool is_v12_create = event->version->room_id_is_create_hash && event->state_key != NULL &&
                         strcmp(event->type, "m.room.create") == 0;
    json_t *json = json_pack(
        "{s:s, s:s, s:O, s:I, s:I, s:o, s:o}", "type", event->type, "sender", event->sender,
        "content", event->content, "origin_server_ts", (json_int_t)event->origin_server_ts, "depth",
        (json_int_t)event->depth, "prev_events",
        id_list(event->version, event->prev_events, event->prev_event_count), "auth_events",
        id_list(event->version, event->auth_events, event->auth_event_count));

    if (!is_v12_create)
        json_object_set_new(json, "room_id", json_string(event->room_id));
    if (event->redacts != NULL && !event->version->redacts_in_content)
        json_object_set_new(json, "redacts", json_string(event->redacts));
    if (event->state_key != NULL)
        json_object_set_new(json, "state_key", json_string(event->state_key));
    if (event->version->event_id_format == EVENT_ID_CARRIED)
        json_object_set_new(json, "event_id", json_string(event->event_id));
    return json;
}

struct event *build_event(struct arena *arena, const struct room_version *version,
                          const struct event_parts *parts)
{
    json_t *content = parts->content_owned;
    struct event *event = ARENA_NEW(arena, struct event);

    if (content == NULL)
        content = build_json(parts->content != NULL ? parts->content : "{}");
    *event = (struct event){
        .version = version,
        .event_id = parts->event_id,
        .room_id = parts->room_id != NULL ? parts->room_id : "!room:one",
        .type = parts->type,
        .sender = parts->sender != NULL ? parts->sender : "@a:one",
        .state_key = parts->state_key,
        .content = json_on_arena(arena, content),
        .redacts = parts->redacts,
        .origin_server_ts = parts->origin_server_ts,
        .depth = parts->depth,
        .prev_events = parts->prev_events,
        .prev_event_count = parts->prev_event_count,
        .auth_events = parts->auth_events,
        .auth_event_count = parts->auth_event_count,
    };
    event->json = json_on_arena(arena, build_pdu(event));
    return event;
}
