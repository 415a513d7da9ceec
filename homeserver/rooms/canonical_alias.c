/* Aliases that a room may call its own. */
#include "homeserver/rooms/canonical_alias.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/requester.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/services.h"
#include "storage/room_aliases.h"

static bool is_listed(json_t *content, const char *alias)
{
    const char *main_alias = json_get_string(content, "alias");
    json_t *others = json_get_array(content, "alt_aliases"), *other;
    size_t i;

    if (main_alias != NULL && strcmp(main_alias, alias) == 0)
        return true;
    json_array_foreach (others, i, other) {
        if (json_is_string(other) && strcmp(json_string_value(other), alias) == 0)
            return true;
    }
    return false;
}

static enum errcode check_one(struct call *call, const struct room *room, json_t *present,
                              const char *alias)
{
    struct room_alias found;

    if (!room_alias_is_valid(alias))
        return fail(call->error, M_INVALID_PARAM, "This is not a room alias: %.100s",
                    alias != NULL ? alias : "(no text)");
    if (is_listed(present, alias))
        return OK;
    enum errcode loaded = room_alias_load(call->db, call->arena, alias, &found);
    if (loaded == M_NOT_FOUND || (loaded == OK && found.room_nid != room_nid(room)))
        return fail(call->error, M_BAD_ALIAS, "The alias %s does not point to this room.", alias);
    return loaded;
}

enum errcode canonical_alias_check(struct call *call, const char *room_id, json_t *content)
{
    const struct state_key key = {"m.room.canonical_alias", ""};
    json_t *alias = json_object_get(content, "alias"), *others, *present = NULL;
    const struct event *event;
    struct room_head *head;
    struct room *room;
    size_t i;

    TRY(room_open(call, room_id, &room));
    TRY(room_committed_head(call, room, &head));
    TRY(room_head_event(call, room, head, &key, &event));
    if (event != NULL)
        present = event->content;
    if (alias != NULL && !json_is_null(alias))
        TRY(check_one(call, room, present, json_string_value(alias)));
    others = json_object_get(content, "alt_aliases");
    if (others != NULL && !json_is_array(others))
        return fail(call->error, M_INVALID_PARAM, "alt_aliases must be a list.");
    json_array_foreach (others, i, alias)
        TRY(check_one(call, room, present, json_string_value(alias)));
    return OK;
}

/* The content without the alias; a new reference. */
static json_t *without_alias(json_t *content, const char *alias)
{
    json_t *shorter = json_copy(content), *others, *other;
    const char *main_alias = json_get_string(content, "alias");
    size_t i;

    if (main_alias != NULL && strcmp(main_alias, alias) == 0)
        json_object_del(shorter, "alias");
    others = json_get_array(content, "alt_aliases");
    if (others == NULL)
        return shorter;
    json_t *kept = json_array();
    json_array_foreach (others, i, other) {
        if (!json_is_string(other) || strcmp(json_string_value(other), alias) != 0)
            json_array_append(kept, other);
    }
    json_object_set_new(shorter, "alt_aliases", kept);
    return shorter;
}

enum errcode canonical_alias_forget(struct call *call, struct room *room,
                                    const struct requester *requester, const char *alias)
{
    SCOPED(room_build_end) struct room_build build = {0};
    const struct state_key key = {"m.room.canonical_alias", ""};
    const struct event *present;
    const char *event_id;

    TRY(room_build_begin(call, room, &build));
    TRY(room_head_event(call, room, build.head, &key, &present));
    if (present == NULL || !is_listed(present->content, alias))
        return OK;
    const struct event_draft draft = {
        .type = key.type,
        .sender = requester->user_id,
        .sender_nid = requester->user_nid,
        .state_key = key.state_key,
        .content = json_on_arena(call->arena, without_alias(present->content, alias)),
    };
    enum errcode sent = room_append_event(call, &build, &draft, &event_id);
    if (sent != M_FORBIDDEN)
        return sent;
    error_clear(call->error);
    return OK;
}
