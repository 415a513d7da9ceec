/* The frame of a sliding sync answer. Spec: MSC4186. */
#include "homeserver/sync/sliding.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/services.h"
#include "homeserver/sync/sliding_internal.h"
#include "storage/account_data.h"
#include "storage/journal.h"
#include "storage/sliding_connections.h"

static struct sliding_connection_key connection_of(const struct sliding_question *question)
{
    return (struct sliding_connection_key){
        .user_nid = question->requester->user_nid,
        .device_id = question->requester->device_id,
        .conn_id = question->request->conn_id,
    };
}

/* What the client was told when it got this `pos`. */
static enum errcode load_memory(struct call *call, const struct sliding_question *question,
                                struct sliding_token *token, struct sliding_memory *out)
{
    const struct sliding_connection_key connection = connection_of(question);
    struct sliding_memory_key key;
    const char *bytes;
    size_t size;

    *token = (struct sliding_token){0};
    *out = (struct sliding_memory){0};
    if (question->pos == NULL)
        return OK;
    TRY(sliding_token_parse(question->pos, journal_position(call->services->journal), call->error,
                            token));
    key = (struct sliding_memory_key){token->connection_nid, token->serial};
    enum errcode found =
        sliding_memory_load(call->db, call->arena, &connection, &key, &bytes, &size);
    if (found == M_NOT_FOUND ||
        (found == OK && !sliding_memory_parse(call->arena, bytes, size, out)))
        return M_UNKNOWN_POS;
    TRY(found);
    return sliding_connection_touch(call->db, token->connection_nid, clock_wall_ms());
}

/* Stores what was told, unless the client's `pos` stands for the same already. */
static enum errcode save_memory(struct sliding *sliding, const struct sliding_token *token,
                                struct sliding_memory_key *out)
{
    struct call *call = sliding->sync.call;
    struct sliding_memory memory = sliding_remember(sliding);

    *out = (struct sliding_memory_key){token->connection_nid, token->serial};
    if (!sliding->is_new && sliding_memory_equal(&memory, &sliding->told_before))
        return OK;
    const char *bytes = sliding_memory_format(call->arena, &memory);
    const struct sliding_memory_draft draft = {
        .connection = connection_of(sliding->question),
        .kept_serial = token->serial,
        .now_ms = clock_wall_ms(),
        .bytes = bytes,
        .size = strlen(bytes),
    };
    return sliding_memory_save(call->db, call->arena, &draft, out);
}

static void write_lists(const struct sliding *sliding, struct strbuf *out)
{
    const struct sliding_request *request = sliding->question->request;

    sync_begin_member(out, "lists");
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < request->list_count; i++) {
        sync_begin_member(out, request->lists[i].key);
        strbuf_printf(out, "{\"count\":%lld}", (long long)sliding->window.counts[i]);
    }
    strbuf_add_char(out, '}');
}

static enum errcode write_pos(struct sliding *sliding, const struct sliding_token *before,
                              struct strbuf *out)
{
    struct call *call = sliding->sync.call;
    struct sliding_memory_key key;

    TRY(save_memory(sliding, before, &key));
    const struct sliding_token token = {
        .connection_nid = key.connection_nid,
        .serial = key.serial,
        .sync = {.position = sliding->sync.until,
                 .typing_epoch = typing_epoch(call->services->typing),
                 .typing = sliding->sync.typing},
    };
    sync_begin_member(out, "pos");
    strbuf_printf(out, "\"%s\"", sliding_token_format(call->arena, &token));
    return OK;
}

/* The to-device extension has a token of its own: a position. */
static enum errcode read_to_device_since(struct sliding *sliding, int64_t *out)
{
    const char *since = sliding->question->request->extensions.to_device.since;
    struct call *call = sliding->sync.call;

    *out = 0;
    if (since == NULL || *since == '\0')
        return OK;
    return page_token_parse(since, journal_position(call->services->journal), call->error, out);
}

static enum errcode write_answer(struct sliding *sliding, const struct sliding_token *before,
                                 struct strbuf *out, struct sliding_result *result)
{
    struct sync *sync = &sliding->sync;
    struct sliding_room *rooms;
    size_t count, start = out->length;

    TRY(sliding_load_rooms(sliding, &rooms, &count));
    sliding_window_compute(sync->call->arena, sliding->question->request, rooms, count,
                           &sliding->window);
    TRY(sliding_load_extensions(sliding));
    strbuf_add_char(out, '{');
    write_lists(sliding, out);
    TRY(sliding_write_rooms(sliding, out));
    TRY(sliding_write_extensions(sliding, out));
    result->waits = sync->is_empty && !sliding->is_new && sliding->question->may_wait;
    if (result->waits) {
        strbuf_truncate(out, start);
        return OK;
    }
    TRY(write_pos(sliding, before, out));
    strbuf_add_char(out, '}');
    return OK;
}

enum errcode sliding_build(struct call *call, const struct sliding_question *question,
                           struct strbuf *out, struct sliding_result *result)
{
    struct sync_request request = {.requester = question->requester, .state_form = STATE_AFTER};
    struct sliding sliding = {
        .sync = {.call = call, .request = &request, .is_empty = true},
        .question = question,
        .is_new = question->pos == NULL,
    };
    struct sliding_token before;

    if (question->requester->device_id == NULL)
        return fail(call->error, M_FORBIDDEN, "Sliding sync needs a device.");
    TRY(filter_parse(call->arena, NULL, call->error, &request.filter));
    TRY(load_memory(call, question, &before, &sliding.told_before));
    sliding.told = sliding.told_before;
    sliding.sync.since = before.sync.position;
    TRY(read_to_device_since(&sliding, &before.sync.to_device));
    request.since = &before.sync;

    /* The sequence is read first: what changes from here on wakes the client again. */
    TRY(notifier_user_view(call, question->requester->user_nid, &sliding.sync.view));
    sliding.sync.until = sliding.sync.view.position;
    sliding.sync.typing = typing_counter(call->services->typing);
    result->sequence = sliding.sync.view.sequence;
    return write_answer(&sliding, &before, out, result);
}
