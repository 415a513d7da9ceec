/*
 * The table of room versions.
 * Spec: "Room Versions" and the page of each version.
 */
#include "homeserver/protocol/room_version.h"

#include <string.h>

/* What each version adds to the one before it. */
#define SINCE_V3 .event_id_format = EVENT_ID_HASH, .state_resolution = STATE_RESOLUTION_V2
#define SINCE_V4 .event_id_format = EVENT_ID_HASH_URLSAFE, .state_resolution = STATE_RESOLUTION_V2
#define SINCE_V5 SINCE_V4, .enforce_key_validity = true
#define SINCE_V6                                                                                   \
    SINCE_V5, .strict_canonical_json = true, .strict_depth = true,                                 \
              .notifications_in_power_levels = true
#define SINCE_V7  SINCE_V6, .knock = true
#define SINCE_V8  SINCE_V7, .restricted_join = true
#define SINCE_V10 SINCE_V8, .knock_restricted = true, .integer_power_levels = true
#define SINCE_V11                                                                                  \
    SINCE_V10, .redaction = REDACTION_V11, .redacts_in_content = true, .sizes_in_bytes = true
#define MSC3757  .owned_state = true, .is_unstable = true
#define UNTIL_V5 .aliases_auth_rule = true, .float_power_levels = true, .creator_in_content = true

const struct room_version room_versions[] = {
    {.id = "1", .redaction_auth_rule = true, UNTIL_V5},
    {.id = "2", .state_resolution = STATE_RESOLUTION_V2, .redaction_auth_rule = true, UNTIL_V5},
    {.id = "3", SINCE_V3, UNTIL_V5},
    {.id = "4", SINCE_V4, UNTIL_V5},
    {.id = "5", SINCE_V5, UNTIL_V5},
    {.id = "6", SINCE_V6, .redaction = REDACTION_V6, .creator_in_content = true},
    {.id = "7", SINCE_V7, .redaction = REDACTION_V6, .creator_in_content = true},
    {.id = "8", SINCE_V8, .redaction = REDACTION_V8, .creator_in_content = true},
    {.id = "9", SINCE_V8, .redaction = REDACTION_V9, .creator_in_content = true},
    {.id = "10", SINCE_V10, .redaction = REDACTION_V9, .creator_in_content = true},
    {.id = "11", SINCE_V11},
    {.id = "12",
     .event_id_format = EVENT_ID_HASH_URLSAFE,
     .state_resolution = STATE_RESOLUTION_V2_1,
     .redaction = REDACTION_V11,
     .strict_canonical_json = true,
     .strict_depth = true,
     .enforce_key_validity = true,
     .notifications_in_power_levels = true,
     .knock = true,
     .restricted_join = true,
     .knock_restricted = true,
     .integer_power_levels = true,
     .redacts_in_content = true,
     .sizes_in_bytes = true,
     .room_id_is_create_hash = true,
     .privileged_creators = true},

    {.id = "org.matrix.msc3757.10",
     SINCE_V10,
     .redaction = REDACTION_V9,
     .creator_in_content = true,
     MSC3757},
    {.id = "org.matrix.msc3757.11", SINCE_V11, MSC3757},
};

const size_t room_version_count = sizeof(room_versions) / sizeof(room_versions[0]);

const struct room_version *room_version_find(const char *id)
{
    for (size_t i = 0; id != NULL && i < room_version_count; i++) {
        if (strcmp(room_versions[i].id, id) == 0)
            return &room_versions[i];
    }
    return NULL;
}
