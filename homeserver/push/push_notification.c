/* Building notifications for push gateways. */
#include "homeserver/push/push_notification.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/push_rules.h"
#include "storage/events.h"
#include "storage/memberships.h"
#include "storage/room_summaries.h"

enum { MS_PER_SECOND = 1000 };

static enum errcode parse_data(struct call *call, const struct push_target *target, json_t **out)
{
    return json_parse_object(call->arena, target->pusher.data, strlen(target->pusher.data),
                             call->error, out);
}

enum errcode push_gateway_url(struct call *call, const struct push_target *target, const char **out)
{
    json_t *data;

    TRY(parse_data(call, target, &data));
    *out = json_get_string(data, "url");
    return OK;
}

/* Spec: the tweaks of the actions, as an object. */
static enum errcode make_tweaks(struct call *call, const struct push_item *item, json_t **out)
{
    json_t *actions, *action, *tweaks = json_on_arena(call->arena, json_object());
    size_t i;

    *out = tweaks;
    if (item->actions != NULL)
        TRY(json_parse(call->arena, item->actions, strlen(item->actions), call->error, &actions));
    else
        actions = json_on_arena(call->arena, push_flags_to_actions(item->flags));
    json_array_foreach (actions, i, action) {
        const char *name = json_get_string(action, "set_tweak");
        json_t *value = json_object_get(action, "value");
        if (name == NULL)
            continue;
        /* Spec: a highlight without a value is true. */
        json_object_set_new(tweaks, name, value != NULL ? json_incref(value) : json_true());
    }
    return OK;
}

static json_t *make_device(const struct push_target *target, json_t *data, json_t *tweaks)
{
    json_t *shown = json_copy(data);
    json_t *device;

    json_object_del(shown, "url");
    device = json_pack("{s:s, s:s, s:I, s:o}", "app_id", target->pusher.app_id, "pushkey",
                       target->pusher.pushkey, "pushkey_ts",
                       (json_int_t)(target->pusher.pushkey_ts / MS_PER_SECOND), "data", shown);
    if (tweaks != NULL && json_object_size(tweaks) > 0)
        json_object_set(device, "tweaks", tweaks);
    return device;
}

static void set_text(json_t *object, const char *name, const char *value)
{
    if (value != NULL)
        json_object_set_new(object, name, json_string(value));
}

/* How the sender is called in the room; left out when it has no name there. */
static enum errcode add_sender_name(struct call *call, const struct stored_event *event,
                                    json_t *notification)
{
    struct membership_row membership;
    struct stored_event member;
    json_t *json;
    enum errcode found =
        membership_load(call->db, call->arena, event->room_nid, event->sender_nid, &membership);

    if (found == M_NOT_FOUND || (found == OK && membership.event_nid == 0))
        return OK;
    TRY(found);
    found = event_load(call->db, call->arena, membership.event_nid, &member);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, member.json, member.json_size, call->error, &json));
    set_text(notification, "sender_display_name",
             json_get_string(json_get_object(json, "content"), "displayname"));
    return OK;
}

static enum errcode add_room_name(struct call *call, int64_t room_nid, json_t *notification)
{
    struct room_summary *summaries;
    size_t count;

    TRY(room_summaries_load(call->db, call->arena, (struct nid_list){&room_nid, 1}, &summaries,
                            &count));
    if (count > 0) {
        set_text(notification, "room_name", summaries[0].name);
        set_text(notification, "room_alias", summaries[0].canonical_alias);
    }
    return OK;
}

static enum errcode add_details(struct call *call, const struct push_target *target,
                                const struct stored_event *event, json_t *json,
                                json_t *notification)
{
    const char *state_key = json_get_string(json, "state_key");
    const char *type = json_get_string(json, "type");

    set_text(notification, "type", type);
    set_text(notification, "sender", json_get_string(json, "sender"));
    json_object_set(notification, "content", json_object_get(json, "content"));
    if (type != NULL && strcmp(type, "m.room.member") == 0 && state_key != NULL)
        json_object_set_new(notification, "user_is_target",
                            json_boolean(strcmp(state_key, target->user_id) == 0));
    TRY(add_sender_name(call, event, notification));
    return add_room_name(call, event->room_nid, notification);
}

/* What makes a noise or can not be read here is urgent; the rest may wait for the battery. */
static const char *priority_of(const json_t *json, const json_t *tweaks)
{
    const char *type = json_get_string(json, "type");
    bool is_encrypted = type != NULL && strcmp(type, "m.room.encrypted") == 0;

    return is_encrypted || json_object_get(tweaks, "sound") != NULL ||
                   json_get_bool(tweaks, "highlight", false)
               ? "high"
               : "low";
}

static enum errcode add_event(struct call *call, const struct push_target *target,
                              const struct push_item *item, json_t *data, json_t *notification)
{
    const char *format = json_get_string(data, "format");
    bool is_short = format != NULL && strcmp(format, "event_id_only") == 0;
    struct stored_event event;
    json_t *json, *tweaks;

    TRY(event_load(call->db, call->arena, item->event_nid, &event));
    TRY(json_parse_object(call->arena, event.json, event.json_size, call->error, &json));
    TRY(make_tweaks(call, item, &tweaks));
    set_text(notification, "event_id", event.event_id);
    set_text(notification, "room_id", item->room_id);
    set_text(notification, "prio", priority_of(json, tweaks));
    json_object_set_new(notification, "devices",
                        json_pack("[o]", make_device(target, data, is_short ? NULL : tweaks)));
    return is_short ? OK : add_details(call, target, &event, json, notification);
}

enum errcode push_notification_make(struct call *call, const struct push_target *target,
                                    const struct push_item *item, int64_t unread, json_t **out)
{
    json_t *data;
    /* A count of zero is told too: nothing else takes a badge away. */
    json_t *notification =
        json_on_arena(call->arena, json_pack("{s:{s:I}}", "counts", "unread", (json_int_t)unread));

    TRY(parse_data(call, target, &data));
    if (item->event_nid != 0)
        TRY(add_event(call, target, item, data, notification));
    else
        json_object_set_new(notification, "devices",
                            json_pack("[o]", make_device(target, data, NULL)));
    *out = json_on_arena(call->arena, json_pack("{s:O}", "notification", notification));
    return OK;
}
