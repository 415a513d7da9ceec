/*
 * What a sync need not read again: an idle device asks for its messages, its key counts and its
 * user's ignored senders with every sync, and all of them change only with a wake-up of the user.
 * And what it need not tell again: the member events of those who speak.
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"

void sync_recall(struct sync *sync)
{
    const struct requester *requester = sync->request->requester;
    struct device_memory memory;

    if (requester->device_id != NULL && sync->since > 0 &&
        notifier_recall_device(sync->call, requester->user_nid, requester->device_id, &memory))
        sync->known = arena_memdup(sync->call->arena, &memory, sizeof(memory));
}

void sync_remember(struct sync *sync, const char *key_counts)
{
    const struct requester *requester = sync->request->requester;
    const struct device_memory memory = {
        .read_at = sync->until,
        .key_count_position = sync->key_count_position,
        .key_counts = key_counts,
        .ignored = sync->ignored.items,
        .ignored_count = sync->ignored.count,
    };

    /* Messages that are told now must be deleted by the next sync, which has to look for them. */
    if (requester->device_id != NULL && sync->to_device_count == 0)
        notifier_remember_device(sync->call->services->notifier, requester->user_nid,
                                 requester->device_id, &memory);
}

void sync_recall_told(struct sync *sync)
{
    const struct requester *requester = sync->request->requester;

    if (requester->device_id == NULL || sync->since == 0)
        return;
    notifier_told_members(sync->call->services->notifier, requester->user_nid, requester->device_id,
                          &sync->told);
    if (sync->told.position != sync->since)
        sync->told.count = 0;
}

bool sync_was_told(const struct sync *sync, int64_t event_nid)
{
    for (size_t i = 0; i < sync->told.count; i++) {
        if (sync->told.event_nids[i] == event_nid)
            return !sync->request->filter->state.include_redundant_members;
    }
    return false;
}

void sync_tell(struct sync *sync, int64_t event_nid)
{
    struct told_members *told = &sync->told;

    if (told->count == TOLD_MEMBERS_MAX) {
        told->count--;
        memmove(told->event_nids, told->event_nids + 1, told->count * sizeof(*told->event_nids));
    }
    told->event_nids[told->count++] = event_nid;
}

void sync_remember_told(struct sync *sync)
{
    const struct requester *requester = sync->request->requester;

    sync->told.position = sync->until;
    if (requester->device_id != NULL)
        notifier_keep_told_members(sync->call->services->notifier, requester->user_nid,
                                   requester->device_id, &sync->told);
}
