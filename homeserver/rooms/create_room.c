/*
 * Creating a room: the events of "createRoom" in the order that the specification gives.
 * Spec: client-server API, "Creation".
 */
#include "homeserver/rooms/create_room.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/random.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/persist_event.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/room_aliases.h"
#include "storage/room_summaries.h"

enum { OPAQUE_ROOM_ID_CHARS = 18, CREATOR_LEVEL = 100, TOMBSTONE_LEVEL = 150 };

/* A room on its way: what every step needs. */
struct creation {
    struct call *call;
    const struct requester *creator;
    const struct new_room *wanted;
    struct room_build build;
};

static void creation_end(struct creation *creation)
{
    room_build_end(&creation->build);
}

static enum errcode append(struct creation *c, const char *type, const char *state_key,
                           json_t *content)
{
    const char *event_id;
    const struct event_draft draft = {
        .type = type,
        .sender = c->creator->user_id,
        .sender_nid = c->creator->user_nid,
        .state_key = state_key,
        .content = json_on_arena(c->call->arena, content),
    };

    return room_append_event(c->call, &c->build, &draft, &event_id);
}

/* v12: in trusted rooms the invited become creators instead of getting level 100. */
static void add_creators(const struct new_room *wanted, json_t *content)
{
    json_t *creators = json_object_get(content, "additional_creators");

    if (!wanted->version->privileged_creators || wanted->preset != PRESET_TRUSTED_PRIVATE_CHAT ||
        wanted->invite_count == 0)
        return;
    creators = json_is_array(creators) ? json_copy(creators) : json_array();
    for (size_t i = 0; i < wanted->invite_count; i++)
        json_array_append_new(creators, json_string(wanted->invites[i]));
    json_object_set_new(content, "additional_creators", creators);
}

static json_t *create_content(const struct creation *c)
{
    const struct new_room *wanted = c->wanted;
    json_t *content =
        wanted->creation_content != NULL ? json_copy(wanted->creation_content) : json_object();

    json_object_set_new(content, "room_version", json_string(wanted->version->id));
    if (wanted->version->creator_in_content)
        json_object_set_new(content, "creator", json_string(c->creator->user_id));
    else
        json_object_del(content, "creator");
    add_creators(wanted, content);
    return content;
}

/* The create event makes the room's ID in v12, so it is built before there is a room. */
static enum errcode begin_room(struct creation *c)
{
    struct call *call = c->call;
    const struct room_version *version = c->wanted->version;
    const struct event_draft draft = {
        .type = "m.room.create",
        .sender = c->creator->user_id,
        .sender_nid = c->creator->user_nid,
        .state_key = "",
        .content = json_on_arena(call->arena, create_content(c)),
    };
    const char *id = NULL;
    struct built_event built;
    int64_t nid;

    if (!version->room_id_is_create_hash)
        id = arena_printf(call->arena, "!%s:%s", random_token(call->arena, OPAQUE_ROOM_ID_CHARS),
                          c->creator->server_name);
    TRY(nid_next_room(room_service_nids(call->services->rooms), call->db, &nid));
    TRY(event_build_create(call, version, id, &draft, &built));
    struct room *room = room_prepare(call, nid, built.event->room_id, version);
    enum errcode begun = room_build_begin(call, room, &c->build);
    if (begun != OK) {
        arena_destroy(built.arena);
        return begun;
    }
    /* A room that can not be made as it was asked for is not made at all. Events of v1 and v2 name
     * each other by their stored bytes, so there they are stored one by one. */
    if (version->event_id_format != EVENT_ID_CARRIED)
        room_build_hold(call, &c->build);
    return persist_event(call, &c->build, &draft, &built);
}

/* Where there is a service for calls, members may say that they are in one (MSC3401). */
static void let_members_call(const struct creation *c, json_t *events)
{
    if (config_current(c->call->services->config)->calls.livekit_service_url != NULL)
        json_object_set_new(events, "org.matrix.msc3401.call.member", json_integer(0));
}

static json_t *power_levels_content(const struct creation *c)
{
    const struct new_room *wanted = c->wanted;
    json_t *users = json_object(), *events;
    json_t *content = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}}", "ban",
        50, "events_default", 0, "invite", wanted->preset == PRESET_PUBLIC_CHAT ? 50 : 0, "kick",
        50, "redact", 50, "state_default", 50, "users_default", 0, "events", "m.room.avatar", 50,
        "m.room.canonical_alias", 50, "m.room.encryption", 100, "m.room.history_visibility", 100,
        "m.room.name", 50, "m.room.power_levels", 100, "m.room.server_acl", 100, "m.room.tombstone",
        100);

    events = json_object_get(content, "events");
    let_members_call(c, events);
    if (wanted->version->privileged_creators)
        json_object_set_new(events, "m.room.tombstone", json_integer(TOMBSTONE_LEVEL));
    else
        json_object_set_new(users, c->creator->user_id, json_integer(CREATOR_LEVEL));
    if (!wanted->version->privileged_creators && wanted->preset == PRESET_TRUSTED_PRIVATE_CHAT) {
        for (size_t i = 0; i < wanted->invite_count; i++)
            json_object_set_new(users, wanted->invites[i], json_integer(CREATOR_LEVEL));
    }
    json_object_set_new(content, "users", users);
    if (wanted->power_level_override != NULL)
        json_object_update(content, wanted->power_level_override);
    return content;
}

static bool initial_state_has(const struct new_room *wanted, const char *type)
{
    json_t *state;
    size_t i;

    json_array_foreach (wanted->initial_state, i, state) {
        const char *state_key = json_get_string(state, "state_key");
        const char *state_type = json_get_string(state, "type");
        if (state_type != NULL && strcmp(state_type, type) == 0 &&
            (state_key == NULL || *state_key == '\0'))
            return true;
    }
    return false;
}

static enum errcode append_unless_given(struct creation *c, const char *type, json_t *content)
{
    if (initial_state_has(c->wanted, type)) {
        json_decref(content);
        return OK;
    }
    return append(c, type, "", content);
}

static enum errcode append_preset(struct creation *c)
{
    bool is_public = c->wanted->preset == PRESET_PUBLIC_CHAT;
    const struct config *config = config_current(c->call->services->config);

    if (c->wanted->is_replacement)
        return OK;
    TRY(append_unless_given(c, "m.room.join_rules",
                            json_pack("{ss}", "join_rule", is_public ? "public" : "invite")));
    TRY(append_unless_given(c, "m.room.history_visibility",
                            json_pack("{ss}", "history_visibility", "shared")));
    /* Without the event guests are forbidden to come, as in public rooms. */
    if (!is_public)
        TRY(append_unless_given(c, "m.room.guest_access",
                                json_pack("{ss}", "guest_access", "can_join")));
    if (!is_public && !c->wanted->is_never_encrypted && config->rooms.encrypt_private_by_default)
        TRY(append_unless_given(c, "m.room.encryption",
                                json_pack("{ss}", "algorithm", "m.megolm.v1.aes-sha2")));
    return OK;
}

static enum errcode append_initial_state(struct creation *c)
{
    json_t *state;
    size_t i;

    json_array_foreach (c->wanted->initial_state, i, state) {
        const char *state_key = json_get_string(state, "state_key");
        enum errcode appended =
            append(c, json_get_string(state, "type"), state_key != NULL ? state_key : "",
                   json_incref(json_get_object(state, "content")));
        if (appended == M_FORBIDDEN)
            return M_INVALID_ROOM_STATE;
        TRY(appended);
    }
    return OK;
}

/* The rich form beside the plain one, as clients of the topic's own module expect it. */
static json_t *topic_content(const char *topic)
{
    return json_pack("{s:s, s:{s:[{s:s, s:s}]}}", "topic", topic, "m.topic", "m.text", "mimetype",
                     "text/plain", "body", topic);
}

static enum errcode append_names(struct creation *c)
{
    const struct new_room *wanted = c->wanted;

    if (wanted->name != NULL)
        TRY(append(c, "m.room.name", "", json_pack("{ss}", "name", wanted->name)));
    if (wanted->topic != NULL)
        TRY(append(c, "m.room.topic", "", topic_content(wanted->topic)));
    return OK;
}

/* The alias belongs to the room from the same commit on. */
static enum errcode add_alias(struct creation *c)
{
    struct call *call = c->call;
    struct journal_entry *entry;
    struct room_alias taken;

    if (c->wanted->alias == NULL)
        return OK;
    enum errcode found = room_alias_load(call->db, call->arena, c->wanted->alias, &taken);
    if (found == OK)
        return fail(call->error, M_ROOM_IN_USE, "The alias %s is taken.", c->wanted->alias);
    if (found != M_NOT_FOUND)
        return found;
    const struct room_alias alias = {
        .alias = c->wanted->alias,
        .room_nid = room_nid(c->build.room),
        .creator_nid = c->creator->user_nid,
    };
    entry = journal_entry_create();
    room_alias_create_in(entry, &alias, clock_wall_ms());
    room_build_add(call, &c->build, entry);
    return append(c, "m.room.canonical_alias", "", json_pack("{ss}", "alias", alias.alias));
}

static void publish(struct creation *c)
{
    struct journal_entry *entry;

    if (!c->wanted->is_listed)
        return;
    entry = journal_entry_create();
    room_publish_in(entry, room_nid(c->build.room), true);
    room_build_add(c->call, &c->build, entry);
}

/* Spec: a room stands even when some of its invites fail. */
static enum errcode invite_all(struct creation *c)
{
    const struct config *config = config_current(c->call->services->config);
    const char *event_id;

    for (size_t i = 0; i < c->wanted->invite_count; i++) {
        if (!config_hosts_user(config, c->wanted->invites[i]))
            continue;
        const struct membership_change invite = {
            .requester = c->creator,
            .target = c->wanted->invites[i],
            .membership = "invite",
            .is_direct = c->wanted->is_direct,
        };
        enum errcode invited = membership_change_in(c->call, &c->build, &invite, &event_id);
        if (invited == E_CONFLICT || invited == E_UNAVAILABLE)
            return invited;
        if (invited != OK)
            log_debug(LOG_ROOMS, "invite of %s to the new room %s failed: %s", invite.target,
                      room_id(c->build.room), c->call->error->text);
    }
    error_clear(c->call->error);
    return OK;
}

static enum errcode join_creator(struct creation *c)
{
    const struct membership_change join = {
        .requester = c->creator,
        .target = c->creator->user_id,
        .membership = "join",
    };
    const char *event_id;

    return membership_change_in(c->call, &c->build, &join, &event_id);
}

enum errcode room_create_new(struct call *call, const struct requester *creator,
                             const struct new_room *wanted, const char **room_id_out)
{
    SCOPED(creation_end)
    struct creation creation = {.call = call, .creator = creator, .wanted = wanted};

    TRY(begin_room(&creation));
    TRY(join_creator(&creation));
    TRY(append(&creation, "m.room.power_levels", "", power_levels_content(&creation)));
    TRY(add_alias(&creation));
    TRY(append_preset(&creation));
    TRY(append_initial_state(&creation));
    TRY(append_names(&creation));
    publish(&creation);
    TRY(invite_all(&creation));
    room_build_submit(call, &creation.build);
    *room_id_out = room_id(creation.build.room);
    return OK;
}
