/* From the state of an old room to the beginning of the new one. */
#include "homeserver/rooms/upgraded_state.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/space_children.h"
#include "storage/events.h"
#include "storage/memberships.h"
#include "storage/users.h"

enum { CREATOR_LEVEL = 100, BANS_MAX = 1000, IMAGE_PACKS_MAX = 100 };

/* Spec: "recommended state events to transfer"; power levels go apart. */
static const char *const transferred[] = {
    "m.room.server_acl", "m.room.encryption",         "m.room.name",       "m.room.avatar",
    "m.room.topic",      "m.room.history_visibility", "m.room.join_rules", "m.room.guest_access",
};

static void add_state(json_t *list, const char *type, const char *state_key, json_t *content)
{
    json_array_append_new(
        list, json_pack("{ss, ss, sO}", "type", type, "state_key", state_key, "content", content));
}

/* A rule that the new version does not have would lock the room: then it is by invitation. */
static json_t *join_rules_content(struct arena *arena, const struct room_version *version,
                                  const struct event *rules)
{
    const char *rule = json_get_string(rules->content, "join_rule");

    if (rule == NULL || join_rule_of(version, rules) == JOIN_RULE_UNKNOWN)
        return json_on_arena(arena, json_pack("{ss}", "join_rule", "invite"));
    return rules->content;
}

static enum errcode add_transferred(struct call *call, struct room *room,
                                    const struct room_head *head,
                                    const struct room_version *version, json_t *list)
{
    for (size_t i = 0; i < COUNT_OF(transferred); i++) {
        const struct event *event;
        TRY(room_head_event(call, room, head, &(struct state_key){transferred[i], ""}, &event));
        if (event == NULL)
            continue;
        bool is_rules = strcmp(transferred[i], "m.room.join_rules") == 0;
        add_state(list, transferred[i], "",
                  is_rules ? join_rules_content(call->arena, version, event) : event->content);
    }
    return OK;
}

/* A space keeps its rooms. */
static enum errcode add_children(struct call *call, struct room *room, const struct room_head *head,
                                 json_t *list)
{
    const struct event *create = cached_event_get(head->create);
    const char *type = json_get_string(create->content, "type");
    struct space_child *children;
    size_t count;

    if (type == NULL || strcmp(type, "m.space") != 0)
        return OK;
    TRY(space_children_load(call, room_nid(room), false, &children, &count));
    for (size_t i = 0; i < count; i++)
        add_state(list, "m.space.child", children[i].room_id,
                  json_object_get(children[i].stripped, "content"));
    return OK;
}

/* Emoticons and stickers go along. Spec: "Image packs"; each pack has a state key of its own. */
static enum errcode add_image_packs(struct call *call, const struct room_head *head, json_t *list)
{
    struct stored_event *events;
    struct nid_list nids;
    size_t count;

    TRY(room_state_of_type(call, head->state, "m.room.image_pack", &nids));
    if (nids.count > IMAGE_PACKS_MAX)
        nids.count = IMAGE_PACKS_MAX;
    TRY(events_load(call->db, call->arena, nids.items, nids.count, &events, &count));
    for (size_t i = 0; i < count; i++) {
        json_t *event, *content;
        TRY(json_parse_object(call->arena, events[i].json, events[i].json_size, call->error,
                              &event));
        content = json_get_object(event, "content");
        if (json_object_size(content) > 0) /* an empty one was taken away */
            add_state(list, "m.room.image_pack", json_get_string(event, "state_key"), content);
    }
    return OK;
}

/* Whoever was banned does not come back by the new door. */
static enum errcode add_bans(struct call *call, struct room *room, json_t *list)
{
    json_t *ban = json_on_arena(call->arena, json_pack("{ss}", "membership", "ban"));
    struct nid_list banned;
    const char **user_ids;

    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_BAN, false, &banned));
    if (banned.count > BANS_MAX)
        banned.count = BANS_MAX;
    TRY(user_ids_load(call->db, call->arena, banned.items, banned.count, &user_ids));
    for (size_t i = 0; i < banned.count; i++)
        add_state(list, "m.room.member", user_ids[i], ban);
    return OK;
}

/* Older versions allow texts and fractions where newer ones want integers. */
static json_t *integer_members(const struct room_version *version, json_t *object)
{
    json_t *result = json_object(), *value;
    const char *name;

    json_object_foreach (object, name, value) {
        int64_t level;
        if (power_level_parse(version, value, &level))
            json_object_set_new(result, name, json_integer(level));
    }
    return result;
}

/* Complete, so that the defaults of new rooms do not mix in. */
static json_t *integer_levels(const struct room_version *version, json_t *content)
{
    static const char *const maps[] = {"users", "events", "notifications"};
    json_t *result = integer_members(version, content);

    for (size_t i = 0; i < COUNT_OF(maps); i++)
        json_object_set_new(result, maps[i],
                            integer_members(version, json_get_object(content, maps[i])));
    return result;
}

/* Creators of a v12 room have every power and may not be among the users. */
static void fit_creators(const struct new_room *new_room, const struct requester *creator,
                         const struct room_head *head, json_t *levels)
{
    json_t *users = json_object_get(levels, "users"), *other;
    json_t *others = json_object_get(new_room->creation_content, "additional_creators");
    size_t i;

    if (new_room->version->privileged_creators) {
        json_object_del(users, creator->user_id);
        json_array_foreach (others, i, other)
            json_object_del(users, json_string_value(other));
        return;
    }
    const struct event *create = cached_event_get(head->create);
    if (create->version->privileged_creators)
        json_object_set_new(users, creator->user_id, json_integer(CREATOR_LEVEL));
}

/* The most that any of the new room's first events takes. */
static int64_t level_needed(const struct power_levels *levels, const json_t *initial_state)
{
    int64_t needed = power_levels_send(levels, "m.room.power_levels", true);
    json_t *state;
    size_t i;

    json_array_foreach (initial_state, i, state) {
        const char *type = json_get_string(state, "type");
        bool is_ban = strcmp(type, "m.room.member") == 0;
        int64_t level =
            is_ban ? power_levels_action(levels, POWER_BAN) : power_levels_send(levels, type, true);
        needed = level > needed ? level : needed;
    }
    return needed;
}

static void raise_creator(struct arena *arena, const struct new_room *new_room,
                          const struct requester *creator, struct upgraded_state *out)
{
    const struct power_levels levels = {.version = new_room->version, .content = out->power_levels};
    int64_t needed = level_needed(&levels, out->initial_state);

    out->first_levels = out->power_levels;
    if (new_room->version->privileged_creators ||
        power_levels_user(&levels, creator->user_id) >= needed)
        return;
    out->first_levels = json_on_arena(arena, json_deep_copy(out->power_levels));
    json_object_set_new(json_object_get(out->first_levels, "users"), creator->user_id,
                        json_integer(needed));
    out->levels_are_raised = true;
}

enum errcode upgraded_state_make(struct call *call, struct room *old_room,
                                 const struct room_head *head, const struct new_room *new_room,
                                 const struct requester *creator, struct upgraded_state *out)
{
    const struct event *levels = cached_event_get(head->power_levels);

    *out = (struct upgraded_state){
        .initial_state = json_on_arena(call->arena, json_array()),
    };
    TRY(add_transferred(call, old_room, head, new_room->version, out->initial_state));
    TRY(add_children(call, old_room, head, out->initial_state));
    TRY(add_image_packs(call, head, out->initial_state));
    TRY(add_bans(call, old_room, out->initial_state));
    if (levels == NULL)
        return OK;
    out->power_levels =
        json_on_arena(call->arena, integer_levels(levels->version, levels->content));
    fit_creators(new_room, creator, head, out->power_levels);
    raise_creator(call->arena, new_room, creator, out);
    return OK;
}
