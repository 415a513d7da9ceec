/* What is no event: receipts, presence, typing. Spec: application service API, "Pushing ephemeral
 * data". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/appservice/transaction_body.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/typing.h"
#include "homeserver/services.h"
#include "storage/appservice_changes.h"
#include "storage/rooms.h"

/* Receipts of one queue item; the room's form is that of /sync, with its ID. */
static void write_receipt(const struct receipt *receipt, const char *room_id, struct strbuf *out)
{
    strbuf_add_separator(out);
    strbuf_add_string(out, "{\"content\":{");
    strbuf_add_json_string(out, receipt->event_id, strlen(receipt->event_id));
    strbuf_add_string(out,
                      receipt->type == RECEIPT_READ ? ":{\"m.read\":{" : ":{\"m.read.private\":{");
    strbuf_add_json_string(out, receipt->user_id, strlen(receipt->user_id));
    if (receipt->thread[0] != '\0') {
        strbuf_add_string(out, ":{\"thread_id\":");
        strbuf_add_json_string(out, receipt->thread, strlen(receipt->thread));
        strbuf_printf(out, ",\"ts\":%" PRId64 "}}}}", receipt->ts);
    } else {
        strbuf_printf(out, ":{\"ts\":%" PRId64 "}}}}", receipt->ts);
    }
    strbuf_add_string(out, ",\"room_id\":");
    strbuf_add_json_string(out, room_id, strlen(room_id));
    strbuf_add_string(out, ",\"type\":\"m.receipt\"}");
}

static enum errcode write_receipts(struct call *call, const struct transaction_content *content,
                                   struct strbuf *out)
{
    struct nid_list positions = transaction_positions(call, content, APPSERVICE_RECEIPT);
    struct appservice_receipt *receipts;
    size_t count;

    if (positions.count == 0)
        return OK;
    TRY(appservice_receipts_load(call->db, call->arena, positions, &receipts, &count));
    for (size_t i = 0; i < count; i++)
        write_receipt(&receipts[i].receipt, receipts[i].room_id, out);
    return OK;
}

static void write_json(json_t *json_owned, struct strbuf *out)
{
    char *text = json_dumps(json_owned, JSON_COMPACT);

    strbuf_add_separator(out);
    strbuf_add_string(out, text);
    free(text);
    json_decref(json_owned);
}

static enum errcode write_presence(struct call *call, const struct transaction_content *content,
                                   struct strbuf *out)
{
    struct nid_list positions = transaction_positions(call, content, APPSERVICE_PRESENCE);
    struct presence_row *rows;
    size_t count;

    if (positions.count == 0)
        return OK;
    TRY(appservice_presence_load(call->db, call->arena, positions, &rows, &count));
    for (size_t i = 0; i < count; i++)
        write_json(json_pack("{s:s, s:s, s:o}", "type", "m.presence", "sender", rows[i].user_id,
                             "content", presence_content(&rows[i], clock_wall_ms())),
                   out);
    return OK;
}

static enum errcode write_typing(struct call *call, const struct transaction_content *content,
                                 struct strbuf *out)
{
    const struct nid_list *rooms = &content->typing_rooms;
    const char **room_ids;

    if (rooms->count == 0)
        return OK;
    TRY(room_ids_load(call->db, call->arena, rooms->items, rooms->count, &room_ids));
    for (size_t i = 0; i < rooms->count; i++) {
        json_t *list = json_array();
        size_t count;
        const char **users =
            typing_users(call->services->typing, call->arena, rooms->items[i], &count);
        for (size_t j = 0; j < count; j++)
            json_array_append_new(list, json_string(users[j]));
        write_json(json_pack("{s:s, s:s, s:{s:o}}", "type", "m.typing", "room_id",
                             room_ids[i] != NULL ? room_ids[i] : "", "content", "user_ids", list),
                   out);
    }
    return OK;
}

enum errcode transaction_write_ephemeral(struct call *call,
                                         const struct transaction_content *content,
                                         struct strbuf *out)
{
    TRY(write_receipts(call, content, out));
    TRY(write_presence(call, content, out));
    return write_typing(call, content, out);
}
