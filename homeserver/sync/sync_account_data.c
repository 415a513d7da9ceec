/* Account data: what changed of it, for the user and for each room. */
#include "homeserver/base/arena.h"
#include "homeserver/push/user_push_rules.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/account_data.h"
#include "storage/position_range.h"

/* Push rules are kept elsewhere, but clients know them as account data. */
static enum errcode add_push_rules(struct sync *sync, struct position_range range)
{
    struct account_data_row *rows;
    const char *content;

    TRY(user_push_rules_changed(sync->call, sync->request->requester, range, &content));
    if (content == NULL)
        return OK;
    rows = ARENA_ARRAY(sync->call->arena, sync->account_data_count + 1, struct account_data_row);
    rows[0] = (struct account_data_row){.type = "m.push_rules", .content = content};
    if (sync->account_data_count > 0)
        memcpy(&rows[1], sync->account_data, sync->account_data_count * sizeof(*rows));
    sync->account_data = rows;
    sync->account_data_count++;
    return OK;
}

enum errcode sync_load_account_data(struct sync *sync)
{
    const struct position_range range = {.since = sync->request->full_state ? 0 : sync->since,
                                         .until = sync->until};

    /* The user's own changes wake the user: without one there is nothing to read. */
    if (range.since > 0 && sync->view.last_change <= range.since)
        return OK;
    TRY(account_data_changed(sync->call->db, sync->call->arena, sync->request->requester->user_nid,
                             range, &sync->account_data, &sync->account_data_count));
    return add_push_rules(sync, range);
}

bool sync_has_account_data(const struct sync *sync, int64_t room_nid)
{
    for (size_t i = 0; i < sync->account_data_count; i++) {
        if (sync->account_data[i].room_nid == room_nid)
            return true;
    }
    return false;
}

static bool passes(const struct sync *sync, const struct account_data_row *row, const char *room_id)
{
    const struct filter *filter = sync->request->filter;
    const struct filter_subject subject = {
        .room_id = room_id, .sender = sync->request->requester->user_id, .type = row->type};

    return event_filter_passes(room_id != NULL ? &filter->room_account_data : &filter->account_data,
                               &subject);
}

void sync_write_account_row(const struct account_data_row *row, bool precedes, struct strbuf *out)
{
    strbuf_add_string(out, precedes ? ",{\"type\":" : "{\"type\":");
    strbuf_add_json_string(out, row->type, strlen(row->type));
    strbuf_printf(out, ",\"content\":%s}", row->content);
}

enum errcode sync_write_account_data(struct sync *sync, int64_t room_nid, const char *room_id,
                                     struct strbuf *out)
{
    size_t start = out->length;
    bool any = false;

    sync_begin_member(out, "account_data");
    strbuf_add_string(out, "{\"events\":[");
    for (size_t i = 0; i < sync->account_data_count; i++) {
        const struct account_data_row *row = &sync->account_data[i];
        if (row->room_nid != room_nid || !passes(sync, row, room_id))
            continue;
        sync_write_account_row(row, any, out);
        any = true;
    }
    strbuf_add_string(out, "]}");
    /* An initial sync says also that there is none. */
    if (any)
        sync->is_empty = false;
    else if (sync->since > 0)
        strbuf_truncate(out, start);
    return OK;
}
