/* Who may be invited, and by whom. */
#include "homeserver/rooms/invite_permission.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/glob.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/users.h"

enum verdict { ALLOWED, IGNORED, BLOCKED };

/* Matching every entry of a long list costs time that others wait for. */
enum { GLOBS_MAX = 1000 };

/* The user's settings; NULL where there are none. */
struct settings {
    json_t *simple;
    json_t *lists;
};

static enum errcode load_one(struct call *call, int64_t user_nid, const char *type, json_t **out)
{
    const struct account_data_key key = {user_nid, ACCOUNT_DATA_GLOBAL, type};
    struct account_data_row row;

    *out = NULL;
    enum errcode found = account_data_load(call->db, call->arena, &key, &row);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    return json_parse_object(call->arena, row.content, strlen(row.content), call->error, out);
}

static enum errcode load(struct call *call, int64_t user_nid, struct settings *out)
{
    TRY(load_one(call, user_nid, "m.invite_permission_config", &out->simple));
    return load_one(call, user_nid, "org.matrix.msc4155.invite_permission_config", &out->lists);
}

static bool has_match(json_t *globs, const char *text)
{
    size_t i;
    json_t *glob;

    json_array_foreach (globs, i, glob) {
        const char *pattern = json_text(glob);
        if (i < GLOBS_MAX && pattern != NULL && glob_match(pattern, text, false))
            return true;
    }
    return false;
}

/* MSC4155: the first list that matches decides, users before servers. */
static enum verdict judge(const struct settings *settings, const char *sender)
{
    static const struct {
        const char *name;
        enum verdict verdict;
        bool of_servers;
    } lists[] = {
        {"allowed_users", ALLOWED, false},  {"ignored_users", IGNORED, false},
        {"blocked_users", BLOCKED, false},  {"allowed_servers", ALLOWED, true},
        {"ignored_servers", IGNORED, true}, {"blocked_servers", BLOCKED, true},
    };
    const char *action = json_get_string(settings->simple, "default_action");
    const char *domain = identifier_domain(sender);

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const char *text = lists[i].of_servers ? domain : sender;
        if (text != NULL && has_match(json_get_array(settings->lists, lists[i].name), text))
            return lists[i].verdict;
    }
    return action != NULL && strcmp(action, "block") == 0 ? BLOCKED : ALLOWED;
}

enum errcode invite_permission_check(struct call *call, const char *user_id, const char *sender)
{
    struct settings settings;
    int64_t user_nid;

    if (!config_hosts_user(config_current(call->services->config), user_id))
        return OK;
    enum errcode found = user_nid_find(call->db, call->arena, user_id, &user_nid);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(load(call, user_nid, &settings));
    if (judge(&settings, sender) == BLOCKED)
        return fail(call->error, M_INVITE_BLOCKED, "%s does not accept invites.", user_id);
    return OK;
}

enum errcode unwanted_inviters(struct call *call, int64_t user_nid, struct nid_list senders,
                               struct nid_list *out)
{
    int64_t *unwanted = ARENA_ARRAY(call->arena, senders.count, int64_t);
    struct settings settings;
    const char **user_ids;

    *out = (struct nid_list){unwanted, 0};
    TRY(load(call, user_nid, &settings));
    if (senders.count == 0 || (settings.simple == NULL && settings.lists == NULL))
        return OK;
    TRY(user_ids_load(call->db, call->arena, senders.items, senders.count, &user_ids));
    for (size_t i = 0; i < senders.count; i++) {
        if (user_ids[i] != NULL && judge(&settings, user_ids[i]) != ALLOWED)
            unwanted[out->count++] = senders.items[i];
    }
    return OK;
}
