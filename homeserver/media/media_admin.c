/* Orders over many media, batch by batch. */
#include "homeserver/media/media_admin.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/media/media_intake.h"
#include "homeserver/services.h"
#include "storage/media.h"

static enum errcode apply(struct call *call, const struct media_order *order, const int64_t *nids,
                          size_t count)
{
    int64_t now_ms = clock_wall_ms();

    switch (order->action) {
    case MEDIA_LIST:
        return OK;
    case MEDIA_DELETE:
        return media_delete(call->db, nids, count, now_ms);
    case MEDIA_QUARANTINE:
        return media_set_quarantined(call->db, nids, count, order->by_nid, now_ms);
    case MEDIA_UNQUARANTINE:
        return media_set_quarantined(call->db, nids, count, 0, 0);
    case MEDIA_PROTECT:
        return media_set_protected(call->db, nids, count, true);
    case MEDIA_UNPROTECT:
        return media_set_protected(call->db, nids, count, false);
    }
    return E_SYSTEM;
}

/* One batch; `*after_nid` moves on. */
static enum errcode carry_out_batch(struct call *call, const struct media_selection *selection,
                                    const struct media_order *order, int64_t *after_nid,
                                    size_t *count_out)
{
    const struct media_choice *choices;

    TRY(media_choose(call->db, call->arena, selection, *after_nid, &choices, count_out));
    if (*count_out == 0)
        return OK;
    int64_t *nids = ARENA_ARRAY(call->arena, *count_out, int64_t);
    for (size_t i = 0; i < *count_out; i++)
        nids[i] = choices[i].media_nid;
    TRY(apply(call, order, nids, *count_out));
    for (size_t i = 0; i < *count_out && order->visit != NULL; i++)
        order->visit(order->context, &choices[i]);
    *after_nid = nids[*count_out - 1];
    return OK;
}

enum errcode media_carry_out(struct call *call, const struct media_selection *selection,
                             const struct media_order *order, int64_t *count_out)
{
    int64_t total = 0;
    int64_t after_nid = 0;
    size_t count;

    do {
        TRY(carry_out_batch(call, selection, order, &after_nid, &count));
        total += (int64_t)count;
    } while (count == MEDIA_CHOSEN_AT_ONCE);
    if (count_out != NULL)
        *count_out = total;
    /* Only what is unreferenced now; what others are writing is not touched. */
    return order->action == MEDIA_DELETE && total > 0 ? media_sweep(call, 0) : OK;
}

static enum errcode expire(struct call *call, enum media_origin origin, int64_t kept_seconds)
{
    const struct media_selection selection = {.origin = origin,
                                              .larger_than = -1,
                                              .without_quarantined = true,
                                              .without_avatars = true,
                                              .not_accessed_since =
                                                  clock_wall_ms() - kept_seconds * 1000};
    const struct media_order order = {.action = MEDIA_DELETE};

    return kept_seconds == 0 ? OK : media_carry_out(call, &selection, &order, NULL);
}

enum errcode media_clean(struct call *call, int64_t before_ts)
{
    const struct config_media *media = &config_current(call->services->config)->media;

    TRY(media_expire_unused(call->db, clock_wall_ms()));
    TRY(expire(call, MEDIA_OF_OURS, media->local_retention_seconds));
    TRY(expire(call, MEDIA_OF_OTHERS, media->remote_retention_seconds));
    return media_sweep(call, before_ts);
}
