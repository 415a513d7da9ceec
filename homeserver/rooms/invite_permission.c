/* Who may be invited. */
#include "homeserver/rooms/invite_permission.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/users.h"

enum errcode invites_are_blocked(struct call *call, int64_t user_nid, bool *out)
{
    const struct account_data_key key = {user_nid, ACCOUNT_DATA_GLOBAL,
                                         "m.invite_permission_config"};
    struct account_data_row row;
    json_t *content;

    *out = false;
    enum errcode found = account_data_load(call->db, call->arena, &key, &row);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, row.content, strlen(row.content), call->error, &content));
    const char *action = json_get_string(content, "default_action");
    *out = action != NULL && strcmp(action, "block") == 0;
    return OK;
}

enum errcode invite_permission_check(struct call *call, const char *user_id)
{
    int64_t user_nid;
    bool is_blocked;

    if (!config_hosts_user(config_current(call->services->config), user_id))
        return OK;
    enum errcode found = user_nid_find(call->db, call->arena, user_id, &user_nid);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(invites_are_blocked(call, user_nid, &is_blocked));
    if (is_blocked)
        return fail(call->error, M_INVITE_BLOCKED, "%s does not accept invites.", user_id);
    return OK;
}
