/*
 * Parsing events into the fields that the rules look at.
 * Spec: server-server API, "PDUs".
 */
#include "homeserver/protocol/event.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/event_format.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"

static const char *const *read_links(struct arena *arena, const struct room_version *version,
                                     const json_t *event, const char *name, size_t *count_out)
{
    const json_t *links = json_get_array(event, name), *link;
    const char **ids = ARENA_ARRAY(arena, json_array_size(links), const char *);
    size_t i;

    json_array_foreach (links, i, link) {
        ids[i] = event_format_link(version, link);
    }
    *count_out = json_array_size(links);
    return ids;
}

static const char *read_redacts(const struct event *event)
{
    if (strcmp(event->type, "m.room.redaction") != 0)
        return NULL;
    return json_get_string(event->version->redacts_in_content ? event->content : event->json,
                           "redacts");
}

/* Reads the fields of JSON whose format was checked and that the arena holds. */
static const struct event *read_event(struct arena *arena, const struct room_version *version,
                                      const char *event_id, json_t *json)
{
    struct event *event = ARENA_NEW(arena, struct event);

    event->version = version;
    event->json = json;
    event->event_id = event_id;
    event->room_id = event_format_has_implied_room_id(version, json)
                         ? arena_printf(arena, "!%s", event_id + 1)
                         : json_get_string(json, "room_id");
    event->type = json_get_string(json, "type");
    event->sender = json_get_string(json, "sender");
    event->state_key = json_get_string(json, "state_key");
    event->content = json_get_object(json, "content");
    event->redacts = read_redacts(event);
    json_get_int(json, "origin_server_ts", &event->origin_server_ts);
    json_get_int(json, "depth", &event->depth);
    event->prev_events = read_links(arena, version, json, "prev_events", &event->prev_event_count);
    event->auth_events = read_links(arena, version, json, "auth_events", &event->auth_event_count);
    return event;
}

enum errcode event_write_bytes(const struct room_version *version, const json_t *json,
                               struct strbuf *out, struct error *error)
{
    static const char *const omitted[] = {"unsigned", NULL};
    enum errcode code = canonical_json_write_without(
        json, omitted,
        version->strict_canonical_json ? CANONICAL_JSON_STRICT : CANONICAL_JSON_LEGACY, out, error);

    if (code == M_TOO_LARGE)
        return fail(error, M_TOO_LARGE, "The event is larger than %d bytes.", EVENT_BYTES_MAX);
    return code;
}

/* Since version 3 the ID is the hash of what is signed. */
static enum errcode find_id(struct arena *arena, const struct room_version *version,
                            const json_t *json, const struct strbuf *signed_bytes, const char **out)
{
    uint8_t hash[SHA256_BYTES];

    if (version->event_id_format == EVENT_ID_CARRIED)
        return event_id_of(arena, version, json, out);
    sha256(signed_bytes->data, signed_bytes->length, hash);
    *out = event_id_of_hash(arena, version, hash);
    return OK;
}

enum errcode event_parse_with_texts(struct arena *arena, const struct room_version *version,
                                    json_t *json, struct error *error,
                                    const struct event_texts *texts, const struct event **out)
{
    struct strbuf *bytes = texts->bytes;
    const char *event_id;

    TRY(event_format_check(version, json, error));
    TRY(event_write_bytes(version, json, bytes, error));
    redaction_splice(version, json_get_string(json, "type"),
                     (struct json_span){bytes->data, bytes->length}, texts->signed_bytes);
    TRY(find_id(arena, version, json, texts->signed_bytes, &event_id));
    *out = read_event(arena, version, event_id, json_on_arena(arena, json_incref(json)));
    return OK;
}

enum errcode event_parse(struct arena *arena, const struct room_version *version, json_t *json,
                         struct error *error, const struct event **out)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    SCOPED(strbuf_finish) struct strbuf signed_bytes;

    strbuf_init(&bytes, EVENT_BYTES_MAX);
    strbuf_init(&signed_bytes, 0);
    const struct event_texts texts = {&bytes, &signed_bytes};
    return event_parse_with_texts(arena, version, json, error, &texts, out);
}

enum errcode event_parse_stored(struct arena *arena, const struct room_version *version,
                                const char *event_id, const char *bytes, size_t size,
                                const struct event **out)
{
    json_t *json;

    if (json_parse(arena, bytes, size, NULL, &json) != OK ||
        event_format_check(version, json, NULL) != OK)
        return E_DATABASE;
    *out = read_event(arena, version, arena_strdup(arena, event_id), json);
    return OK;
}

bool event_is_state(const struct event *event)
{
    return event->state_key != NULL;
}

bool event_is(const struct event *event, const char *type, const char *state_key)
{
    return event->state_key != NULL && strcmp(event->type, type) == 0 &&
           strcmp(event->state_key, state_key) == 0;
}

const char *event_membership(const struct event *event)
{
    if (strcmp(event->type, "m.room.member") != 0)
        return NULL;
    return json_get_string(event->content, "membership");
}
