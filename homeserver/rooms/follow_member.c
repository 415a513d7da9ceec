/* From member events to the user directory. */
#include "homeserver/rooms/follow_member.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "storage/profiles.h"
#include "storage/user_directory.h"

enum errcode directory_follow_in(struct call *call, struct journal_entry *entry,
                                 const struct event *member, int64_t user_nid, bool is_local)
{
    struct profile_summary profile = {
        .display_name = json_get_string(member->content, "displayname"),
        .avatar_url = json_get_string(member->content, "avatar_url"),
    };
    struct directory_texts texts = {0};
    const char *localpart, *membership = event_membership(member);
    size_t length;

    if (membership == NULL || strcmp(membership, "join") != 0)
        return OK;
    if (is_local)
        TRY(profile_load_summary(call->db, call->arena, user_nid, &profile));
    localpart = user_id_localpart(call->arena, member->state_key);
    texts.localpart_folded = utf8_casefold(call->arena, localpart, strlen(localpart), &length);
    if (profile.display_name != NULL)
        texts.name_folded =
            utf8_casefold(call->arena, profile.display_name, strlen(profile.display_name), &length);
    const struct directory_user user = {
        .user_nid = user_nid,
        .display_name = profile.display_name,
        .avatar_url = profile.avatar_url,
    };
    user_directory_set_in(entry, &user, &texts);
    return OK;
}
