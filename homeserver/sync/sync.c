/* The frame of a /sync answer. */
#include "homeserver/sync/sync.h"

#include "homeserver/base/arena.h"
#include "homeserver/presence/typing.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/account_data.h"
#include "storage/journal.h"

void sync_begin_member(struct strbuf *out, const char *name)
{
    strbuf_add_separator(out);
    strbuf_add_json_string(out, name, strlen(name));
    strbuf_add_char(out, ':');
}

static void write_next_batch(const struct sync *sync, struct strbuf *out)
{
    const struct sync_token token = {
        .position = sync->until,
        .typing_epoch = typing_epoch(sync->call->services->typing),
        .typing = sync->typing,
        .to_device = sync->to_device_until,
    };

    sync_begin_member(out, "next_batch");
    strbuf_printf(out, "\"%s\"", sync_token_format(sync->call->arena, token));
}

/* Nothing was committed since, nobody has begun or ended to type, and the device has no messages to
 * get or to be rid of. */
static bool is_up_to_date(const struct sync *sync)
{
    const struct sync_token *since = sync->request->since;

    return sync->known != NULL && since->position >= sync->until &&
           since->to_device >= since->position && since->typing == sync->typing &&
           since->typing_epoch == typing_epoch(sync->call->services->typing);
}

enum errcode sync_build(struct call *call, const struct sync_request *request, struct strbuf *out,
                        struct sync_result *result)
{
    struct sync sync = {
        .call = call,
        .request = request,
        .since = request->since != NULL ? request->since->position : 0,
        .is_empty = true,
    };

    /* The sequence and the position are read in one moment: what changes from here on wakes the
     * client again and has a later position. */
    TRY(notifier_user_view(call, request->requester->user_nid, &sync.view));
    sync.until = sync.view.position;
    sync.typing = typing_counter(call->services->typing);

    result->is_empty = true;
    result->sequence = sync.view.sequence;
    sync_recall(&sync);
    if (request->only_news && is_up_to_date(&sync))
        return OK;
    sync_recall_told(&sync);
    TRY(sync_load_to_device(&sync));
    strbuf_add_char(out, '{');
    write_next_batch(&sync, out);
    TRY(sync_load_account_data(&sync));
    TRY(sync_write_account_data(&sync, ACCOUNT_DATA_GLOBAL, NULL, out));
    TRY(sync_write_rooms(&sync, out));
    TRY(sync_write_presence(&sync, out));
    sync_write_to_device(&sync, out);
    TRY(sync_write_device_lists(&sync, out));
    size_t before_counts = out->length;
    TRY(sync_write_key_counts(&sync, out));
    if (sync.known == NULL)
        sync_remember(&sync, out->data + before_counts + 1); /* behind the comma */
    strbuf_add_char(out, '}');
    result->is_empty = sync.is_empty;
    if (!sync.is_empty || !request->only_news)
        sync_remember_told(&sync);
    return OK;
}
