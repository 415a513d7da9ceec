/*
 * Parsing and building EDUs.
 * Spec: server-server API, "EDUs", "Typing Notifications", "Presence", "Receipts", "Send-to-device
 * messaging", "Device Management".
 */
#include "homeserver/protocol/edu.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/device_keys.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"

static const char *const type_names[] = {
    [EDU_UNKNOWN] = "",
    [EDU_TYPING] = "m.typing",
    [EDU_PRESENCE] = "m.presence",
    [EDU_RECEIPT] = "m.receipt",
    [EDU_DIRECT_TO_DEVICE] = "m.direct_to_device",
    [EDU_DEVICE_LIST_UPDATE] = "m.device_list_update",
    [EDU_SIGNING_KEY_UPDATE] = "m.signing_key_update",
};

enum errcode edu_parse(const json_t *json, struct error *error, enum edu_type *type_out,
                       json_t **content_out)
{
    const char *name;

    TRY(json_require_string(json, "edu_type", error, &name));
    TRY(json_require_object(json, "content", error, content_out));
    *type_out = EDU_UNKNOWN;
    for (size_t i = EDU_TYPING; i < COUNT_OF(type_names); i++) {
        if (strcmp(type_names[i], name) == 0)
            *type_out = (enum edu_type)i;
    }
    return OK;
}

json_t *edu_build(enum edu_type type, json_t *content_owned)
{
    return json_pack("{s:s, s:o}", "edu_type", type_names[type], "content", content_owned);
}

static bool belongs_to(const char *user_id, const char *server_name)
{
    return user_id_is_valid(user_id) && strcmp(identifier_domain(user_id), server_name) == 0;
}

/* A member that names a user of the sending server. */
static enum errcode require_user(const json_t *content, const char *name,
                                 const struct edu_source *source, const char **out)
{
    const char *user_id;

    TRY(json_require_string(content, name, source->error, &user_id));
    if (!belongs_to(user_id, source->origin))
        return fail(source->error, M_BAD_JSON, "The user of the EDU is not of %s.", source->origin);
    *out = user_id;
    return OK;
}

/* ── m.typing ────────────────────────────────────────────────────────────────────────────────── */

enum errcode edu_parse_typing(const json_t *content, const struct edu_source *source,
                              struct typing_edu *out)
{
    struct typing_edu typing = {0};

    TRY(require_user(content, "user_id", source, &typing.user_id));
    TRY(json_require_string(content, "room_id", source->error, &typing.room_id));
    if (!room_id_is_valid(typing.room_id))
        return fail(source->error, M_BAD_JSON, "The EDU names no room.");
    typing.is_typing = json_get_bool(content, "typing", false);
    *out = typing;
    return OK;
}

json_t *edu_build_typing(const struct typing_edu *typing)
{
    return edu_build(EDU_TYPING, json_pack("{s:s, s:s, s:b}", "room_id", typing->room_id, "user_id",
                                           typing->user_id, "typing", typing->is_typing));
}

/* ── m.presence ──────────────────────────────────────────────────────────────────────────────── */

static bool is_presence(const char *text)
{
    return text != NULL && (strcmp(text, "online") == 0 || strcmp(text, "unavailable") == 0 ||
                            strcmp(text, "offline") == 0);
}

static bool read_presence(const json_t *json, const char *origin, struct presence_edu *out)
{
    out->user_id = json_get_string(json, "user_id");
    out->presence = json_get_string(json, "presence");
    out->status_msg = json_get_string(json, "status_msg");
    out->is_currently_active = json_get_bool(json, "currently_active", false);
    return belongs_to(out->user_id, origin) && is_presence(out->presence) &&
           (!json_get_int(json, "last_active_ago", &out->last_active_ago) ||
            out->last_active_ago >= 0);
}

enum errcode edu_parse_presence(struct arena *arena, const json_t *content,
                                const struct edu_source *source, const struct presence_edu **out,
                                size_t *count_out)
{
    ARRAY_OF(struct presence_edu) users = {0};
    json_t *push;
    const json_t *entry;
    size_t i;

    TRY(json_require_array(content, "push", source->error, &push));
    json_array_foreach (push, i, entry) {
        struct presence_edu user = {0};
        if (read_presence(entry, source->origin, &user))
            array_push(arena, &users, user);
    }
    *out = users.items;
    *count_out = users.count;
    return OK;
}

json_t *edu_build_presence(const struct presence_edu *users, size_t count)
{
    json_t *push = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct presence_edu *user = &users[i];
        json_array_append_new(push,
                              json_pack("{s:s, s:s, s:s*, s:I, s:b}", "user_id", user->user_id,
                                        "presence", user->presence, "status_msg", user->status_msg,
                                        "last_active_ago", (json_int_t)user->last_active_ago,
                                        "currently_active", user->is_currently_active));
    }
    return edu_build(EDU_PRESENCE, json_pack("{s:o}", "push", push));
}

/* ── m.receipt ───────────────────────────────────────────────────────────────────────────────── */

/* Receipts stand at events that need not be here; what their IDs look like is for the rooms'
 * versions to say, here they are opaque. */
static bool is_some_event_id(const char *id)
{
    return id != NULL && id[0] != '\0' && strlen(id) <= EVENT_ID_BYTES_MAX;
}

static bool read_receipt(const json_t *json, struct receipt_edu *out)
{
    const json_t *event_ids = json_get_array(json, "event_ids");
    const json_t *data = json_get_object(json, "data");
    const json_t *thread_id = json_object_get(data, "thread_id");

    out->event_id = json_text(json_array_get(event_ids, 0));
    out->thread_id = json_text(thread_id);
    return json_array_size(event_ids) == 1 && is_some_event_id(out->event_id) &&
           json_get_int(data, "ts", &out->ts) && (thread_id == NULL || out->thread_id != NULL);
}

enum errcode edu_parse_receipts(struct arena *arena, const json_t *content,
                                const struct edu_source *source, const struct receipt_edu **out,
                                size_t *count_out)
{
    ARRAY_OF(struct receipt_edu) receipts = {0};
    const char *room_id, *user_id;
    json_t *room, *entry;

    json_object_foreach ((json_t *)(uintptr_t)content, room_id, room) {
        json_object_foreach (json_get_object(room, "m.read"), user_id, entry) {
            struct receipt_edu receipt = {.room_id = room_id, .user_id = user_id};
            if (room_id_is_valid(room_id) && belongs_to(user_id, source->origin) &&
                read_receipt(entry, &receipt))
                array_push(arena, &receipts, receipt);
        }
    }
    *out = receipts.items;
    *count_out = receipts.count;
    return OK;
}

static json_t *ensure_member(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    if (member == NULL) {
        member = json_object();
        json_object_set_new(object, name, member);
    }
    return member;
}

/* False when there is one of the same user in the same room. */
static bool add_receipt(json_t *content, const struct receipt_edu *receipt)
{
    json_t *users = ensure_member(ensure_member(content, receipt->room_id), "m.read");

    if (json_object_get(users, receipt->user_id) != NULL)
        return false;
    json_object_set_new(users, receipt->user_id,
                        json_pack("{s:[s], s:{s:I, s:s*}}", "event_ids", receipt->event_id, "data",
                                  "ts", (json_int_t)receipt->ts, "thread_id", receipt->thread_id));
    return true;
}

void edu_add_receipts(json_t *edus, const struct receipt_edu *receipts, size_t count)
{
    json_t *contents[RECEIPT_EDUS_MAX];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < used && !add_receipt(contents[at], &receipts[i]))
            at++;
        if (at < used || used == RECEIPT_EDUS_MAX)
            continue;
        contents[used] = json_object();
        add_receipt(contents[used++], &receipts[i]);
    }
    for (size_t i = 0; i < used; i++)
        json_array_append_new(edus, edu_build(EDU_RECEIPT, contents[i]));
}

/* ── m.direct_to_device ──────────────────────────────────────────────────────────────────────── */

static size_t count_code_points(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool messages_are_sound(const json_t *messages)
{
    const char *user_id, *device_id;
    json_t *devices, *message;
    bool is_sound = true;

    json_object_foreach ((json_t *)(uintptr_t)messages, user_id, devices) {
        is_sound &= json_is_object(devices);
        json_object_foreach (devices, device_id, message) {
            is_sound &= json_is_object(message);
        }
    }
    return is_sound;
}

enum errcode edu_parse_direct_to_device(const json_t *content, const struct edu_source *source,
                                        struct direct_to_device_edu *out)
{
    struct direct_to_device_edu message = {0};

    TRY(require_user(content, "sender", source, &message.sender));
    TRY(json_require_string(content, "type", source->error, &message.type));
    TRY(json_require_string(content, "message_id", source->error, &message.message_id));
    TRY(json_require_object(content, "messages", source->error, &message.messages));
    if (count_code_points(message.message_id) > TO_DEVICE_MESSAGE_ID_CHARS_MAX)
        return fail(source->error, M_BAD_JSON, "The message ID is longer than %d characters.",
                    TO_DEVICE_MESSAGE_ID_CHARS_MAX);
    if (!messages_are_sound(message.messages))
        return fail(source->error, M_BAD_JSON, "The messages are not sorted by user and device.");
    *out = message;
    return OK;
}

json_t *edu_build_direct_to_device(const struct direct_to_device_edu *message)
{
    return edu_build(EDU_DIRECT_TO_DEVICE,
                     json_pack("{s:s, s:s, s:s, s:O}", "sender", message->sender, "type",
                               message->type, "message_id", message->message_id, "messages",
                               message->messages));
}

/* ── m.device_list_update ────────────────────────────────────────────────────────────────────── */

static void read_prev_ids(struct arena *arena, const json_t *content,
                          struct device_list_update_edu *out)
{
    const json_t *prev_ids = json_get_array(content, "prev_id"), *prev_id;
    int64_t *ids = ARENA_ARRAY(arena, json_array_size(prev_ids), int64_t);
    size_t i;

    json_array_foreach (prev_ids, i, prev_id) {
        if (json_is_integer(prev_id))
            ids[out->prev_id_count++] = json_integer_value(prev_id);
    }
    out->prev_ids = ids;
}

enum errcode edu_parse_device_list_update(struct arena *arena, const json_t *content,
                                          const struct edu_source *source,
                                          struct device_list_update_edu *out)
{
    struct device_list_update_edu update = {0};

    TRY(require_user(content, "user_id", source, &update.user_id));
    TRY(json_require_string(content, "device_id", source->error, &update.device_id));
    TRY(json_require_int(content, "stream_id", source->error, &update.stream_id));
    update.is_deleted = json_get_bool(content, "deleted", false);
    update.display_name = json_get_string(content, "device_display_name");
    update.keys = json_get_object(content, "keys");
    if (update.keys != NULL)
        TRY(device_keys_check(update.keys, update.user_id, update.device_id, source->error));
    read_prev_ids(arena, content, &update);
    *out = update;
    return OK;
}

json_t *edu_build_device_list_update(const struct device_list_update_edu *update)
{
    json_t *prev_ids = json_array();
    json_t *content =
        json_pack("{s:s, s:s, s:I, s:o, s:s*, s:O*}", "user_id", update->user_id, "device_id",
                  update->device_id, "stream_id", (json_int_t)update->stream_id, "prev_id",
                  prev_ids, "device_display_name", update->display_name, "keys", update->keys);

    for (size_t i = 0; i < update->prev_id_count; i++)
        json_array_append_new(prev_ids, json_integer(update->prev_ids[i]));
    if (update->is_deleted)
        json_object_set_new(content, "deleted", json_true());
    return edu_build(EDU_DEVICE_LIST_UPDATE, content);
}

/* ── m.signing_key_update ────────────────────────────────────────────────────────────────────── */

enum errcode edu_parse_signing_key_update(const json_t *content, const struct edu_source *source,
                                          struct signing_key_update_edu *out)
{
    struct signing_key_update_edu update = {0};

    TRY(require_user(content, "user_id", source, &update.user_id));
    update.master_key = json_get_object(content, "master_key");
    update.self_signing_key = json_get_object(content, "self_signing_key");
    *out = update;
    return OK;
}

json_t *edu_build_signing_key_update(const struct signing_key_update_edu *update)
{
    return edu_build(EDU_SIGNING_KEY_UPDATE,
                     json_pack("{s:s, s:O*, s:O*}", "user_id", update->user_id, "master_key",
                               update->master_key, "self_signing_key", update->self_signing_key));
}
