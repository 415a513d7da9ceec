/*
 * Who may read which event.
 * Spec: client-server API, "Room History Visibility", "Server behaviour".
 */
#include "homeserver/protocol/history_visibility.h"

#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"

static const char *const names[] = {
    [HISTORY_JOINED] = "joined",
    [HISTORY_INVITED] = "invited",
    [HISTORY_SHARED] = "shared",
    [HISTORY_WORLD_READABLE] = "world_readable",
};

enum history_visibility history_visibility_of(const struct event *event)
{
    const char *name = event != NULL ? json_get_string(event->content, "history_visibility") : NULL;

    for (size_t i = 0; name != NULL && i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum history_visibility)i;
    }
    return HISTORY_SHARED;
}

/* "For m.room.history_visibility events themselves, the user should be allowed to see the event if
 * the history_visibility before or after the event would allow them to see it." */
static enum history_visibility most_open_visibility(const struct event *event,
                                                    const struct event *before)
{
    enum history_visibility visibility = history_visibility_of(before);

    if (event_is(event, "m.room.history_visibility", "") &&
        history_visibility_of(event) > visibility)
        return history_visibility_of(event);
    return visibility;
}

/* The numbered rules of the specification for one membership. */
static bool is_allowed(enum history_visibility visibility, enum membership membership,
                       bool joined_later)
{
    /* 1. If the `history_visibility` was set to `world_readable`, allow. */
    if (visibility == HISTORY_WORLD_READABLE)
        return true;
    /* 2. If the user's `membership` was `join`, allow. */
    if (membership == MEMBERSHIP_JOIN)
        return true;
    /* 3. If `history_visibility` was set to `shared`, and the user joined the room at any point
     * after the event was sent, allow. */
    if (visibility == HISTORY_SHARED)
        return joined_later;
    /* 4. If the user's `membership` was `invite`, and the `history_visibility` was set to
     * `invited`, allow. 5. Otherwise, deny. */
    return membership == MEMBERSHIP_INVITE && visibility == HISTORY_INVITED;
}

static bool is_allowed_before_or_after(const struct event *event, bool is_own_membership,
                                       const struct event_reader *reader)
{
    enum history_visibility visibility = most_open_visibility(event, reader->visibility_before);

    if (is_allowed(visibility, reader->membership_before, reader->joined_later))
        return true;
    return is_own_membership && is_allowed(visibility, membership_of(event), reader->joined_later);
}

bool user_may_see_event(const struct event *event, const char *user_id,
                        const struct event_reader *reader)
{
    bool is_own_membership = event_is(event, "m.room.member", user_id);

    /* Beyond the letter of the specification: who declines an invite, or loses it, is told so.
     * Otherwise the invite would stay on their other devices. */
    if (is_own_membership &&
        (membership_of(event) == MEMBERSHIP_LEAVE || membership_of(event) == MEMBERSHIP_BAN))
        return true;
    return is_allowed_before_or_after(event, is_own_membership, reader);
}

bool server_may_see_event(const struct event *event, const char *server_name,
                          const struct event_reader *reader)
{
    const char *domain = NULL;

    if (event->state_key != NULL && strcmp(event->type, "m.room.member") == 0)
        domain = identifier_domain(event->state_key);
    return is_allowed_before_or_after(event, domain != NULL && strcmp(domain, server_name) == 0,
                                      reader);
}
