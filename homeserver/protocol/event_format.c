/*
 * Shape checks of PDUs.
 * Spec: server-server API, "PDUs"; room versions 1, 3, 4, 6, 11 and 12, "Event format".
 */
#include "homeserver/protocol/event_format.h"

#include <string.h>

#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/owned_state.h"
#include "homeserver/protocol/room_version.h"

bool event_format_has_implied_room_id(const struct room_version *version, const json_t *event)
{
    const char *type = json_get_string(event, "type");
    const char *state_key = json_get_string(event, "state_key");

    return version->room_id_is_create_hash && type != NULL && strcmp(type, "m.room.create") == 0 &&
           state_key != NULL && state_key[0] == '\0';
}

const char *event_format_link(const struct room_version *version, const json_t *entry)
{
    if (version->event_id_format != EVENT_ID_CARRIED)
        return json_is_text(entry) ? json_string_value(entry) : NULL;
    const json_t *id = json_array_get(entry, 0);
    if (json_array_size(entry) != 2 || !json_is_text(id) ||
        !json_is_object(json_array_get(entry, 1)))
        return NULL;
    return json_string_value(id);
}

/* Every byte but those that go on with a character of UTF-8. */
static size_t count_characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* Spec: in bytes. Until v10 everybody counted characters, so there are rooms with longer ones. */
static enum errcode check_text_of(const struct room_version *version, const json_t *event,
                                  const char *name, size_t max, struct error *error)
{
    const char *text;

    TRY(json_require_string(event, name, error, &text));
    size_t size = version->sizes_in_bytes ? strlen(text) : count_characters(text);
    if (size > max)
        return fail(error, M_TOO_LARGE, "The member \"%s\" of an event is longer than %zu bytes.",
                    name, max);
    return OK;
}

/* A text of at most 255 bytes. */
static enum errcode check_text(const struct room_version *version, const json_t *event,
                               const char *name, struct error *error)
{
    return check_text_of(version, event, name, EVENT_ID_BYTES_MAX, error);
}

static enum errcode check_texts(const struct room_version *version, const json_t *event,
                                struct error *error)
{
    size_t state_key_bytes_max =
        version->owned_state ? OWNED_STATE_KEY_BYTES_MAX : STATE_KEY_BYTES_MAX;

    TRY(check_text(version, event, "type", error));
    TRY(check_text(version, event, "sender", error));
    if (!user_id_is_valid(json_get_string(event, "sender")))
        return fail(error, M_BAD_JSON, "The sender of an event is not a user ID.");
    if (json_object_get(event, "state_key") != NULL)
        TRY(check_text_of(version, event, "state_key", state_key_bytes_max, error));
    return OK;
}

static enum errcode check_event_id(const struct room_version *version, const json_t *event,
                                   struct error *error)
{
    if (version->event_id_format != EVENT_ID_CARRIED)
        return OK;
    TRY(check_text(version, event, "event_id", error));
    if (!event_id_with_domain_is_valid(json_get_string(event, "event_id")))
        return fail(error, M_BAD_JSON, "The member \"event_id\" is not an event ID.");
    return OK;
}

static enum errcode check_room_id(const struct room_version *version, const json_t *event,
                                  struct error *error)
{
    if (event_format_has_implied_room_id(version, event)) {
        if (json_object_get(event, "room_id") != NULL)
            return fail(error, M_BAD_JSON, "A create event must not have a room ID.");
        return OK;
    }
    TRY(check_text(version, event, "room_id", error));
    const char *room_id = json_get_string(event, "room_id");
    bool is_valid = version->room_id_is_create_hash ? room_id_without_domain_is_valid(room_id)
                                                    : room_id_with_domain_is_valid(room_id);
    if (!is_valid)
        return fail(error, M_BAD_JSON, "The room ID of an event does not fit its room version.");
    return OK;
}

static enum errcode check_numbers(const struct room_version *version, const json_t *event,
                                  struct error *error)
{
    int64_t depth, timestamp;

    TRY(json_require_int(event, "origin_server_ts", error, &timestamp));
    TRY(json_require_int(event, "depth", error, &depth));
    if (depth < 0 || (version->strict_depth && depth > JSON_SAFE_INTEGER_MAX))
        return fail(error, M_BAD_JSON, "The depth of an event is out of range.");
    return OK;
}

static enum errcode check_links(const struct room_version *version, const json_t *event,
                                const char *name, struct error *error)
{
    json_t *links;
    const json_t *link;
    size_t i;

    TRY(json_require_array(event, name, error, &links));
    json_array_foreach (links, i, link) {
        if (!event_id_is_valid(event_format_link(version, link)))
            return fail(error, M_BAD_JSON, "The member \"%s\" of an event holds no event IDs.",
                        name);
    }
    return OK;
}

/* Optional members that must be objects when they are there. */
static enum errcode check_optional_objects(const json_t *event, struct error *error)
{
    static const char *const names[] = {"hashes", "signatures", "unsigned"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *member = json_object_get(event, names[i]);
        if (member != NULL && !json_is_object(member))
            return fail(error, M_BAD_JSON, "The member \"%s\" of an event is not an object.",
                        names[i]);
    }
    return OK;
}

enum errcode event_format_check(const struct room_version *version, const json_t *event,
                                struct error *error)
{
    json_t *content;

    if (!json_is_object(event))
        return fail(error, M_BAD_JSON, "An event must be a JSON object.");
    TRY(check_texts(version, event, error));
    TRY(check_event_id(version, event, error));
    TRY(check_room_id(version, event, error));
    TRY(json_require_object(event, "content", error, &content));
    TRY(check_numbers(version, event, error));
    TRY(check_links(version, event, "prev_events", error));
    TRY(check_links(version, event, "auth_events", error));
    return check_optional_objects(event, error);
}

enum errcode event_format_check_sealed(const json_t *event, struct error *error)
{
    json_t *hashes, *signatures;
    const char *hash;

    TRY(json_require_object(event, "hashes", error, &hashes));
    TRY(json_require_string(hashes, "sha256", error, &hash));
    return json_require_object(event, "signatures", error, &signatures);
}
