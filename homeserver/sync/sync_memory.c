/*
 * What a sync need not read again: an idle device asks for its messages, its key counts and its
 * user's ignored senders with every sync, and all of them change only with a wake-up of the user.
 */
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
