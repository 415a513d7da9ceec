/* Loading, saving and showing the push rules of users. */
#include "homeserver/push/user_push_rules.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/requester.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/push_audience.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/push_rules.h"

/* Numbers in conditions come back as they were. */
static const size_t DUMP_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(17);

enum errcode user_push_rules_load(struct call *call, int64_t user_nid, struct user_push_rules *out)
{
    struct push_rules_row row;
    json_t *stored = NULL;

    TRY(push_rules_load(call->db, call->arena, user_nid, &row));
    if (row.rules != NULL)
        TRY(json_parse_object(call->arena, row.rules, strlen(row.rules), call->error, &stored));
    out->rules = push_rules_parse(call->arena, stored);
    out->rules->hides_threads = !config_current(call->services->config)->rooms.thread_subscriptions;
    out->position = row.position;
    return OK;
}

static char *dump_on_arena(struct arena *arena, json_t *json_owned)
{
    char *text = json_dumps(json_on_arena(arena, json_owned), DUMP_FLAGS);

    arena_defer(arena, free, text);
    return text;
}

enum errcode user_push_rules_save(struct call *call, int64_t user_nid,
                                  const struct user_push_rules *rules)
{
    struct push_rules_change change = {
        .user_nid = user_nid,
        .rules = dump_on_arena(call->arena, push_rules_to_stored(rules->rules)),
        .read_position = rules->position,
    };
    struct journal_entry *entry;

    if (strlen(change.rules) > PUSH_RULES_BYTES_MAX)
        return fail(call->error, M_TOO_LARGE, "All push rules together are limited to %d bytes.",
                    PUSH_RULES_BYTES_MAX);
    change.scopes = push_rules_scopes(rules->rules, call->arena, &change.scope_count);
    entry = journal_entry_create();
    push_rules_replace_in(entry, &change);
    push_audiences_forget_after(call->services->push_audiences, entry);
    journal_entry_wake_user(entry, user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

json_t *user_push_rules_content(const struct user_push_rules *rules, const char *user_id)
{
    return json_pack("{s:o}", "global", push_rules_to_client(rules->rules, user_id));
}

enum errcode user_push_rules_changed(struct call *call, const struct requester *requester,
                                     struct position_range range, const char **content_out)
{
    struct user_push_rules rules;

    TRY(user_push_rules_load(call, requester->user_nid, &rules));
    *content_out = NULL;
    if (range.since == 0 || (rules.position > range.since && rules.position <= range.until))
        *content_out =
            dump_on_arena(call->arena, user_push_rules_content(&rules, requester->user_id));
    return OK;
}

enum errcode user_push_rules_follow_user(struct call *call, int64_t user_nid,
                                         const char *old_room_id, const char *new_room_id)
{
    struct user_push_rules rules;

    TRY(user_push_rules_load(call, user_nid, &rules));
    if (!push_rules_copy_room(rules.rules, old_room_id, new_room_id))
        return OK;
    return user_push_rules_save(call, user_nid, &rules);
}

enum errcode user_push_rules_follow_upgrade(struct call *call, const char *old_room_id,
                                            const char *new_room_id)
{
    struct nid_list users;

    TRY(push_rules_users_of_room(call->db, call->arena, old_room_id, &users));
    for (size_t i = 0; i < users.count; i++)
        TRY(user_push_rules_follow_user(call, users.items[i], old_room_id, new_room_id));
    return OK;
}
