/* The list of ignored users as scopes of push rules. */
#include "homeserver/push/ignored_users.h"

#include "homeserver/base/arena.h"
#include "homeserver/call.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/push_audience.h"
#include "homeserver/services.h"
#include "storage/push_rules.h"

void ignored_users_set_in(struct call *call, struct journal_entry *entry, int64_t user_nid,
                          json_t *content)
{
    json_t *ignored = json_get_object(content, "ignored_users");
    const char **scopes = ARENA_ARRAY(call->arena, json_object_size(ignored), const char *);
    const char *user_id;
    json_t *value;
    size_t count = 0;

    json_object_foreach (ignored, user_id, value) {
        if (user_id_is_valid(user_id))
            scopes[count++] = arena_printf(call->arena, PUSH_SCOPE_IGNORE "%s", user_id);
    }
    push_ignored_replace_in(entry, user_nid, scopes, count);
    push_audiences_forget_after(call->services->push_audiences, entry);
}
