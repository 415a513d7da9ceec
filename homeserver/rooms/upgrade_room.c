/*
 * Replacing a room by one of another version.
 * Spec: client-server API, "Room Upgrades", "Server behaviour" (the numbers below).
 */
#include "homeserver/rooms/upgrade_room.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/user_push_rules.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/rooms/upgraded_state.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/journal.h"
#include "storage/room_aliases.h"
#include "storage/room_locks.h"
#include "storage/room_summaries.h"

enum {
    QUIET_LEVEL_MIN = 50,
    UPGRADE_WAIT_MS = 60 * 1000,
    REPEAT_MS = 60 * 1000, /* who asks again within this time has not heard the answer */
};

/* 1. Who may close the room may replace it. */
static enum errcode check_permission(struct call *call, struct room *room,
                                     const struct room_head *head, const char *user_id)
{
    const struct power_levels levels = room_head_power_levels(room, head);
    const char *membership;

    TRY(room_head_membership(call, room, head, user_id, &membership));
    if (membership == NULL || strcmp(membership, "join") != 0)
        return fail(call->error, M_FORBIDDEN, "You are not in this room.");
    if (power_levels_user(&levels, user_id) < power_levels_send(&levels, "m.room.tombstone", true))
        return fail(call->error, M_FORBIDDEN, "You may not upgrade this room.");
    return OK;
}

/* 2. The create event: where the room comes from, what kind of room it is. */
static json_t *creation_content(struct call *call, const struct room_upgrade *upgrade,
                                const struct room_head *head)
{
    static const char *const kept[] = {"type", "m.federate"};
    const struct event *create = cached_event_get(head->create);
    const char *last_event =
        arena_strndup(call->arena, head->extremities, strcspn(head->extremities, "\n"));
    json_t *content = json_pack("{s:{ss}}", "predecessor", "room_id", upgrade->room_id);

    /* MSC4291 took it away: nobody could rely on it. */
    if (!upgrade->version->room_id_is_create_hash)
        json_object_set_new(json_object_get(content, "predecessor"), "event_id",
                            json_string(last_event));
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        json_t *value = json_object_get(create->content, kept[i]);
        if (value != NULL)
            json_object_set(content, kept[i], value);
    }
    if (upgrade->version->privileged_creators && upgrade->additional_creators != NULL)
        json_object_set(content, "additional_creators", upgrade->additional_creators);
    return json_on_arena(call->arena, content);
}

static enum errcode is_listed(struct call *call, int64_t nid, bool *out)
{
    struct room_summary *summary;
    size_t count;

    TRY(room_summaries_load(call->db, call->arena, (struct nid_list){&nid, 1}, &summary, &count));
    *out = count > 0 && summary->is_published;
    return OK;
}

static enum errcode send_state(struct call *call, const struct room_upgrade *upgrade,
                               const char *room_id, const char *type, json_t *content)
{
    const struct event_draft draft = {
        .type = type,
        .sender = upgrade->requester->user_id,
        .sender_nid = upgrade->requester->user_nid,
        .state_key = "",
        .content = content,
    };
    const char *event_id;

    return room_send_event(call, room_id, &draft, &event_id);
}

/* For what is good to have: a refusal leaves the upgrade as it is. */
static enum errcode try_to_send_state(struct call *call, const struct room_upgrade *upgrade,
                                      const char *room_id, const char *type, json_t *content)
{
    enum errcode sent = send_state(call, upgrade, room_id, type, content);

    if (sent != M_FORBIDDEN)
        return sent;
    error_clear(call->error);
    return OK;
}

/* 2 and 3. A room on its own, committed before anything points to it. */
static enum errcode create_replacement(struct call *call, const struct room_upgrade *upgrade,
                                       struct room *old_room, const struct room_head *head,
                                       const char **room_id_out)
{
    struct new_room wanted = {
        .version = upgrade->version,
        .preset = PRESET_PRIVATE_CHAT,
        .is_replacement = true,
        .creation_content = creation_content(call, upgrade, head),
    };
    struct upgraded_state state;

    TRY(is_listed(call, room_nid(old_room), &wanted.is_listed));
    TRY(upgraded_state_make(call, old_room, head, &wanted, upgrade->requester, &state));
    wanted.initial_state = state.initial_state;
    wanted.power_level_override = state.first_levels;
    TRY(room_create_new(call, upgrade->requester, &wanted, room_id_out));
    TRY(commit_group_wait(call->commits));
    if (!state.levels_are_raised)
        return OK;
    return send_state(call, upgrade, *room_id_out, "m.room.power_levels", state.power_levels);
}

/* 4. Aliases, and the entry in the directory. */
static enum errcode move_names(struct call *call, const struct room_upgrade *upgrade,
                               struct room *old_room, const struct room_head *head,
                               const char *new_room_id)
{
    const struct state_key key = {"m.room.canonical_alias", ""};
    struct journal_entry *entry;
    const struct event *alias;
    struct room *new_room;

    TRY(room_open(call, new_room_id, &new_room));
    entry = journal_entry_create();
    room_aliases_move_in(entry, room_nid(old_room), room_nid(new_room));
    room_publish_in(entry, room_nid(old_room), false);
    journal_submit(call->services->journal, entry, call->commits);
    TRY(room_head_event(call, old_room, head, &key, &alias));
    if (alias == NULL)
        return OK;
    return try_to_send_state(call, upgrade, new_room_id, key.type, alias->content);
}

/* 6. Nobody but moderators is to write in the old room, or to invite. */
static enum errcode quieten(struct call *call, const struct room_upgrade *upgrade,
                            const struct room_head *head)
{
    const struct event *event = cached_event_get(head->power_levels);
    int64_t level = QUIET_LEVEL_MIN, users_default = 0;
    json_t *content;

    if (event == NULL)
        return OK;
    content = json_on_arena(call->arena, json_copy(event->content));
    if (power_level_parse(event->version, json_object_get(content, "users_default"),
                          &users_default) &&
        users_default >= level && users_default < JSON_SAFE_INTEGER_MAX)
        level = users_default + 1;
    json_object_set_new(content, "events_default", json_integer(level));
    json_object_set_new(content, "invite", json_integer(level));
    return try_to_send_state(call, upgrade, upgrade->room_id, "m.room.power_levels", content);
}

struct upgrading {
    struct call *call;
    const struct room_upgrade *upgrade;
    struct room *room;
    const char *new_room_id;
};

static enum errcode replace(struct upgrading *u)
{
    struct call *call = u->call;
    struct room_head *head;

    TRY(room_committed_head(call, u->room, &head));
    TRY(create_replacement(call, u->upgrade, u->room, head, &u->new_room_id));
    TRY(move_names(call, u->upgrade, u->room, head, u->new_room_id));
    /* 5. */
    json_t *tombstone =
        json_on_arena(call->arena, json_pack("{ss, ss}", "body", "This room has been replaced.",
                                             "replacement_room", u->new_room_id));
    TRY(send_state(call, u->upgrade, u->upgrade->room_id, "m.room.tombstone", tombstone));
    TRY(quieten(call, u->upgrade, head));
    TRY(user_push_rules_follow_upgrade(call, u->upgrade->room_id, u->new_room_id));
    return commit_group_wait(call->commits);
}

static enum errcode find_tombstone(struct upgrading *u, const struct event **out)
{
    const struct state_key key = {"m.room.tombstone", ""};
    struct room_head *head;

    TRY(room_committed_head(u->call, u->room, &head));
    return room_head_event(u->call, u->room, head, &key, out);
}

static const char *replacement_of(const struct event *tombstone)
{
    return tombstone != NULL ? json_get_string(tombstone->content, "replacement_room") : NULL;
}

/* What somebody else has made while we waited. */
static enum errcode find_replacement(struct upgrading *u)
{
    const struct event *tombstone;

    TRY(find_tombstone(u, &tombstone));
    u->new_room_id = replacement_of(tombstone);
    return u->new_room_id != NULL ? OK : E_CONFLICT;
}

/* The room that it was upgraded to a moment ago, in this version. */
static enum errcode find_repeated(struct upgrading *u)
{
    const struct event *tombstone;
    struct room *replacement;

    TRY(find_tombstone(u, &tombstone));
    const char *id = replacement_of(tombstone);
    if (id == NULL || clock_wall_ms() - tombstone->origin_server_ts >= REPEAT_MS)
        return OK;
    enum errcode found = room_open(u->call, id, &replacement);
    if (found == OK && room_version_of(replacement) == u->upgrade->version)
        u->new_room_id = id;
    return errcode_is_internal(found) ? found : OK;
}

/* A client that asks again, or another one at the same moment, gets the same room. It may have been
 * made by another process: that is committed, and need not have been told here yet. */
static enum errcode replace_once(struct upgrading *u)
{
    const int64_t nid = room_nid(u->room);

    rooms_forget_heads(u->call->services->rooms, &nid, 1);
    TRY(find_repeated(u));
    return u->new_room_id != NULL ? OK : replace(u);
}

static enum errcode replace_alone(void *context)
{
    struct upgrading *u = context;
    struct db *db = u->call->db;
    const char *id = u->upgrade->room_id;
    bool is_ours;

    TRY(room_lock_take(db, ROOM_WORK_UPGRADE, id, UPGRADE_WAIT_MS, &is_ours));
    if (!is_ours)
        return fail(u->call->error, E_TIMEOUT, "The room is being upgraded, which takes long.");
    enum errcode outcome = replace_once(u);
    enum errcode let_go = room_lock_let_go(db, ROOM_WORK_UPGRADE, id);
    TRY(outcome);
    return let_go;
}

enum errcode room_upgrade(struct call *call, const struct room_upgrade *upgrade,
                          const char **new_room_id_out)
{
    struct upgrading u = {.call = call, .upgrade = upgrade};
    struct room_head *head;
    bool was_first;

    TRY(room_open(call, upgrade->room_id, &u.room));
    TRY(room_committed_head(call, u.room, &head));
    TRY(check_permission(call, u.room, head, upgrade->requester->user_id));
    TRY(singleflight_run(call->services->upgrades, upgrade->room_id, replace_alone, &u,
                         &was_first));
    if (!was_first)
        TRY(find_replacement(&u));
    *new_room_id_out = u.new_room_id;
    return OK;
}

/* Account data of a user as it was read. */
struct setting {
    struct account_data_key key;
    struct account_data_row row; /* .position 0: there is none */
};

static enum errcode load_setting(struct call *call, const struct requester *requester,
                                 int64_t room_nid, const char *type, struct setting *out)
{
    *out = (struct setting){.key = {requester->user_nid, room_nid, type}};
    enum errcode found = account_data_load(call->db, call->arena, &out->key, &out->row);
    return found == M_NOT_FOUND ? OK : found;
}

static void save_setting(struct call *call, const struct setting *setting, const char *content)
{
    struct journal_entry *entry = journal_entry_create();

    account_data_replace_in(entry, &setting->key, content, setting->row.position);
    journal_entry_wake_user(entry, setting->key.user_nid);
    journal_submit(call->services->journal, entry, call->commits);
}

static enum errcode carry_tags(struct call *call, struct room *old_room, struct room *new_room,
                               const struct requester *requester)
{
    struct setting old_tags, new_tags;

    TRY(load_setting(call, requester, room_nid(old_room), "m.tag", &old_tags));
    TRY(load_setting(call, requester, room_nid(new_room), "m.tag", &new_tags));
    if (old_tags.row.position != 0 && new_tags.row.position == 0)
        save_setting(call, &new_tags, old_tags.row.content);
    return OK;
}

/* m.direct: {user: [room, …]}. True when the new room was put beside the old one somewhere. */
static bool add_direct(json_t *direct, const char *old_room_id, const char *new_room_id)
{
    json_t *rooms, *id;
    bool is_changed = false;
    const char *user_id;
    size_t i;

    json_object_foreach (direct, user_id, rooms) {
        bool has_old = false, has_new = false;
        json_array_foreach (rooms, i, id) {
            const char *text = json_string_value(id);
            has_old |= text != NULL && strcmp(text, old_room_id) == 0;
            has_new |= text != NULL && strcmp(text, new_room_id) == 0;
        }
        if (has_old && !has_new)
            is_changed |= json_array_append_new(rooms, json_string(new_room_id)) == 0;
    }
    return is_changed;
}

static enum errcode carry_direct(struct call *call, struct room *old_room, struct room *new_room,
                                 const struct requester *requester)
{
    struct setting direct;
    json_t *content;

    TRY(load_setting(call, requester, ACCOUNT_DATA_GLOBAL, "m.direct", &direct));
    if (direct.row.position == 0)
        return OK;
    TRY(json_parse_object(call->arena, direct.row.content, strlen(direct.row.content), call->error,
                          &content));
    if (!add_direct(content, room_id(old_room), room_id(new_room)))
        return OK;
    char *text = json_dumps(content, JSON_COMPACT);
    if (text == NULL)
        return E_SYSTEM;
    if (strlen(text) <= ACCOUNT_DATA_BYTES_MAX)
        save_setting(call, &direct, text);
    free(text);
    return OK;
}

enum errcode room_carry_over(struct call *call, struct room *room,
                             const struct requester *requester)
{
    const char *old_room_id;
    struct room_head *head;
    struct room *old_room;

    TRY(room_committed_head(call, room, &head));
    const struct event *create = cached_event_get(head->create);
    old_room_id = json_get_string(json_get_object(create->content, "predecessor"), "room_id");
    if (old_room_id == NULL)
        return OK;
    enum errcode opened = room_open(call, old_room_id, &old_room);
    if (opened == M_NOT_FOUND)
        return OK;
    TRY(opened);
    TRY(carry_tags(call, old_room, room, requester));
    TRY(carry_direct(call, old_room, room, requester));
    return user_push_rules_follow_user(call, requester->user_nid, old_room_id, room_id(room));
}
