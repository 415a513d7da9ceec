/* The extensions of a sliding sync answer: what is not part of a room's history. */
#include <stdlib.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/services.h"
#include "homeserver/sync/sliding_internal.h"
#include "homeserver/sync/thread_changes.h"
#include "storage/account_data.h"

/* Bits of sliding_memory.extensions. */
enum { TOLD_ACCOUNT_DATA = 1, TOLD_THREADS = 2 };

static bool is_covered(const struct sliding *sliding, const struct sliding_extension *extension,
                       const struct sliding_item *item)
{
    return sliding_extension_covers(extension, sliding->question->request, item->match);
}

enum errcode sliding_load_extensions(struct sliding *sliding)
{
    const struct sliding_extensions *extensions = &sliding->question->request->extensions;
    struct sync *sync = &sliding->sync;
    int64_t since = sync->since;

    if (extensions->to_device.is_enabled)
        TRY(sync_load_to_device(sync));
    /* An extension that was not told before tells everything. */
    if (extensions->account_data.is_enabled && (sliding->told.extensions & TOLD_ACCOUNT_DATA) == 0)
        sync->since = 0;
    sliding->account_data_since = sync->since;
    enum errcode loaded = sync_load_account_data(sync);
    sync->since = since;
    return loaded;
}

/* ── To-device ───────────────────────────────────────────────────────────────────────────────── */

static void write_to_device(struct sliding *sliding, struct strbuf *out)
{
    struct sync *sync = &sliding->sync;

    if (!sliding->question->request->extensions.to_device.is_enabled)
        return;
    sync_begin_member(out, "to_device");
    strbuf_printf(out, "{\"next_batch\":\"%s\",",
                  page_token_format(sync->call->arena, sync->to_device_until));
    sync_write_to_device_events(sync, out);
    strbuf_add_char(out, '}');
    if (sync->to_device_count > 0)
        sync->is_empty = false;
}

/* ── End-to-end encryption ───────────────────────────────────────────────────────────────────── */

static enum errcode write_e2ee(struct sliding *sliding, struct strbuf *out)
{
    if (!sliding->question->request->extensions.e2ee.is_enabled)
        return OK;
    sync_begin_member(out, "e2ee");
    strbuf_add_char(out, '{');
    TRY(sync_write_device_lists(&sliding->sync, out));
    TRY(sync_write_key_counts(&sliding->sync, out));
    strbuf_add_char(out, '}');
    return OK;
}

/* ── Account data ────────────────────────────────────────────────────────────────────────────── */

/* Of rooms that are new to the client or behind the connection everything is read: they are few,
 * and the rest is in what changed since. */
static enum errcode load_older(struct sliding *sliding)
{
    const struct sliding_extension *extension =
        &sliding->question->request->extensions.account_data;
    struct call *call = sliding->sync.call;
    int64_t *nids = ARENA_ARRAY(call->arena, sliding->item_count, int64_t);
    struct account_data_rooms query = {.user_nid = sliding->question->requester->user_nid,
                                       .until = sliding->sync.until};

    for (size_t i = 0; i < sliding->item_count; i++) {
        const struct sliding_item *item = &sliding->items[i];
        if (is_covered(sliding, extension, item) &&
            sliding_since(sliding, item->known) < sliding->account_data_since)
            nids[query.room_nids.count++] = item->match->room->room_nid;
    }
    query.room_nids.items = nids;
    if (query.room_nids.count == 0)
        return OK;
    return account_data_of_rooms(call->db, call->arena, &query, &sliding->older_account_data,
                                 &sliding->older_account_data_count);
}

static bool write_rows(const struct account_data_row *rows, size_t count, int64_t room_nid,
                       int64_t since, struct strbuf *out)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (rows[i].room_nid != room_nid || rows[i].position <= since ||
            (since == 0 && rows[i].is_deleted))
            continue;
        sync_write_account_row(&rows[i], any, out);
        any = true;
    }
    return any;
}

static void write_room_rows(struct sliding *sliding, const struct sliding_item *item,
                            struct strbuf *out)
{
    int64_t since = sliding->account_data_since == 0 ? 0 : sliding_since(sliding, item->known);
    bool is_behind = since < sliding->account_data_since;
    size_t start = out->length;

    sync_begin_member(out, item->match->room->room_id);
    strbuf_add_char(out, '[');
    if (!write_rows(is_behind ? sliding->older_account_data : sliding->sync.account_data,
                    is_behind ? sliding->older_account_data_count
                              : sliding->sync.account_data_count,
                    item->match->room->room_nid, since, out)) {
        strbuf_truncate(out, start);
        return;
    }
    strbuf_add_char(out, ']');
    sliding->sync.is_empty = false;
}

static enum errcode write_global(struct sliding *sliding, struct strbuf *out)
{
    struct sync *sync = &sliding->sync;

    sync_begin_member(out, "global");
    strbuf_add_char(out, '[');
    /* The first row may be the push rules, which have no position of their own. */
    bool any = false;
    for (size_t i = 0; i < sync->account_data_count; i++) {
        if (sync->account_data[i].room_nid != ACCOUNT_DATA_GLOBAL)
            continue;
        sync_write_account_row(&sync->account_data[i], any, out);
        any = true;
    }
    strbuf_add_char(out, ']');
    if (any)
        sync->is_empty = false;
    return OK;
}

static enum errcode write_account_data(struct sliding *sliding, struct strbuf *out)
{
    const struct sliding_extension *extension =
        &sliding->question->request->extensions.account_data;

    if (!extension->is_enabled)
        return OK;
    sliding->told.extensions |= TOLD_ACCOUNT_DATA;
    TRY(load_older(sliding));
    sync_begin_member(out, "account_data");
    strbuf_add_char(out, '{');
    TRY(write_global(sliding, out));
    sync_begin_member(out, "rooms");
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < sliding->item_count; i++) {
        if (is_covered(sliding, extension, &sliding->items[i]))
            write_room_rows(sliding, &sliding->items[i], out);
    }
    strbuf_add_string(out, "}}");
    return OK;
}

/* ── Receipts and typing ─────────────────────────────────────────────────────────────────────── */

static void write_receipts(struct sliding *sliding, struct strbuf *out)
{
    const struct sliding_extension *extension = &sliding->question->request->extensions.receipts;

    if (!extension->is_enabled)
        return;
    sync_begin_member(out, "receipts");
    strbuf_add_string(out, "{\"rooms\":{");
    for (size_t i = 0; i < sliding->item_count; i++) {
        const struct sliding_item *item = &sliding->items[i];
        size_t start = out->length;
        if (!item->has_news || item->match->room->membership != SLIDING_JOINED ||
            !is_covered(sliding, extension, item))
            continue;
        sync_begin_member(out, item->match->room->room_id);
        if (sync_write_receipts(&sliding->sync, &item->room, &sliding->receipts, out))
            sliding->sync.is_empty = false;
        else
            strbuf_truncate(out, start);
    }
    strbuf_add_string(out, "}}");
}

static bool tells_typing(const struct sliding *sliding, const struct sliding_item *item)
{
    struct call *call = sliding->sync.call;
    int64_t nid = item->match->room->room_nid;
    size_t count;

    if (item->match->room->membership != SLIDING_JOINED)
        return false;
    if (item->known != NULL && sync_typing_changed(&sliding->sync, nid))
        return true;
    if (item->known != NULL)
        return false;
    typing_users(call->services->typing, call->arena, nid, &count);
    return count > 0;
}

static void write_typing(struct sliding *sliding, struct strbuf *out)
{
    const struct sliding_extension *extension = &sliding->question->request->extensions.typing;

    if (!extension->is_enabled)
        return;
    sync_begin_member(out, "typing");
    strbuf_add_string(out, "{\"rooms\":{");
    for (size_t i = 0; i < sliding->item_count; i++) {
        const struct sliding_item *item = &sliding->items[i];
        if (!is_covered(sliding, extension, item) || !tells_typing(sliding, item))
            continue;
        sync_begin_member(out, item->match->room->room_id);
        sync_write_typing(&sliding->sync, item->match->room->room_nid, out);
        sliding->sync.is_empty = false;
    }
    strbuf_add_string(out, "}}");
}

/* ── Thread subscriptions (MSC4308) ──────────────────────────────────────────────────────────── */

static enum errcode write_threads(struct sliding *sliding, struct strbuf *out)
{
    const struct sliding_extension *extension =
        &sliding->question->request->extensions.thread_subscriptions;
    struct call *call = sliding->sync.call;
    struct position_range range = {sliding->sync.since, sliding->sync.until, extension->limit};
    int64_t older;
    json_t *changes;

    if (!extension->is_enabled ||
        !config_current(call->services->config)->rooms.thread_subscriptions)
        return OK;
    if ((sliding->told.extensions & TOLD_THREADS) == 0)
        range.since = 0;
    sliding->told.extensions |= TOLD_THREADS;
    TRY(thread_changes(call, sliding->question->requester->user_nid, range, &changes, &older));
    if (older != 0)
        json_object_set_new(changes, "prev_batch",
                            json_string(page_token_format(call->arena, older)));
    if (json_object_size(changes) == 0)
        return OK;
    sync_begin_member(out, "io.element.msc4308.thread_subscriptions");
    char *text = json_dumps(changes, JSON_COMPACT);
    strbuf_add_string(out, text);
    free(text);
    sliding->sync.is_empty = false;
    return OK;
}

enum errcode sliding_write_extensions(struct sliding *sliding, struct strbuf *out)
{
    sync_begin_member(out, "extensions");
    strbuf_add_char(out, '{');
    write_to_device(sliding, out);
    TRY(write_e2ee(sliding, out));
    TRY(write_account_data(sliding, out));
    write_receipts(sliding, out);
    write_typing(sliding, out);
    TRY(write_threads(sliding, out));
    strbuf_add_char(out, '}');
    return OK;
}
