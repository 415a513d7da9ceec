/* Whom somebody ignores, as numbers. */
#include "homeserver/rooms/ignored_senders.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "storage/account_data.h"
#include "storage/users.h"

enum errcode ignored_senders_load(struct call *call, int64_t user_nid, struct nid_list *out)
{
    const struct account_data_key key = {user_nid, ACCOUNT_DATA_GLOBAL, "m.ignored_user_list"};
    struct account_data_row row;
    json_t *content, *value;
    const char **user_ids;
    const char *user_id;
    size_t count = 0;

    *out = (struct nid_list){0};
    enum errcode found = account_data_load(call->db, call->arena, &key, &row);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, row.content, strlen(row.content), call->error, &content));
    json_t *ignored = json_get_object(content, "ignored_users");
    user_ids = ARENA_ARRAY(call->arena, json_object_size(ignored), const char *);
    json_object_foreach (ignored, user_id, value) {
        if (user_id_is_valid(user_id))
            user_ids[count++] = user_id;
    }
    if (count == 0)
        return OK;
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    TRY(user_nids_find(call->db, call->arena, user_ids, count, nids));
    *out = (struct nid_list){nids, count};
    return OK;
}

bool ignored_senders_have(const struct nid_list *ignored, int64_t sender_nid)
{
    for (size_t i = 0; i < ignored->count; i++) {
        if (ignored->items[i] == sender_nid)
            return true;
    }
    return false;
}

void ignored_senders_filter(const struct nid_list *ignored, struct stored_event *events,
                            size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        if (events[i].state_key_nid != 0 || !ignored_senders_have(ignored, events[i].sender_nid))
            events[kept++] = events[i];
    }
    *count = kept;
}

enum errcode ignored_senders_drop(struct call *call, int64_t user_nid, struct stored_event *events,
                                  size_t *count)
{
    struct nid_list ignored;

    TRY(ignored_senders_load(call, user_nid, &ignored));
    ignored_senders_filter(&ignored, events, count);
    return OK;
}
