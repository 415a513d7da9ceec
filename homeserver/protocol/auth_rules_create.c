/* Rule 1: m.room.create. Spec: "Authorisation rules" of each room version page. */
#include <string.h>

#include "homeserver/protocol/auth_rules_internal.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

static bool room_id_is_right(const struct event *event)
{
    /* v12: If the event has a `room_id`, reject. (event->room_id is derived there.) */
    if (event->version->room_id_is_create_hash)
        return json_object_get(event->json, "room_id") == NULL;
    /* Before: the domain of the `room_id` must match the domain of the `sender`. */
    return identifier_domains_equal(event->room_id, event->sender);
}

static bool room_version_is_known(const json_t *content)
{
    const json_t *version = json_object_get(content, "room_version");

    return version == NULL || room_version_find(json_text(version)) != NULL;
}

static bool creators_are_user_ids(const json_t *content)
{
    const json_t *creators = json_object_get(content, "additional_creators");

    if (creators == NULL)
        return true;
    if (!json_is_array(creators))
        return false;
    for (size_t i = 0; i < json_array_size(creators); i++) {
        if (!user_id_is_valid(json_text(json_array_get(creators, i))))
            return false;
    }
    return true;
}

bool auth_check_create(struct auth_check *check)
{
    const struct event *event = check->event;
    const struct room_version *version = event->version;

    /* 1.1 If it has any `prev_events`, reject. */
    if (event->prev_event_count > 0)
        return refuse(check, "m.room.create must be the first event (rule 1.1)");

    /* 1.2 */
    if (!room_id_is_right(event))
        return refuse(check, "the room ID does not fit the m.room.create event (rule 1.2)");

    /* 1.3 If `content.room_version` is present and is not a recognised version, reject. */
    if (!room_version_is_known(event->content))
        return refuse(check, "the room version is not known (rule 1.3)");

    /* 1.4 (until v10) If `content` has no `creator` property, reject. */
    if (version->creator_in_content && json_object_get(event->content, "creator") == NULL)
        return refuse(check, "the creator is missing (rule 1.4 of v1)");

    /* 1.4 (v12) If `additional_creators` is present and is not an array of valid user IDs,
     * reject. */
    if (version->privileged_creators && !creators_are_user_ids(event->content))
        return refuse(check, "additional_creators is not a list of user IDs (rule 1.4)");

    /* 1.5 Otherwise, allow. */
    return true;
}
