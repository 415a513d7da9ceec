/* Every job: name, interval, function. */
#include <malloc.h>

#include "config/config.h"
#include "federation/receiver/receiver.h"
#include "federation/receiver/state_completion.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/encryption/remote_device_lists.h"
#include "homeserver/jobs/scheduler.h"
#include "homeserver/media/media_admin.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/typing.h"
#include "homeserver/rooms/delayed_events.h"
#include "homeserver/services.h"
#include "homeserver/sync/notifier.h"
#include "homeserver/sync/sliding.h"
#include "storage/client_transactions.h"
#include "storage/rendezvous_sessions.h"
#include "storage/scan_results.h"
#include "storage/sliding_connections.h"
#include "storage/to_device.h"
#include "storage/url_previews.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    TRANSACTION_ID_KEPT_MS = 24 * HOUR,
    EXPIRED_AT_ONCE = 10000,
    SUBSCRIBER_IDLE_MS = 10 * MINUTE,
    TO_DEVICE_WAITING_MAX = 10000, /* from one sender to one device */
};

/* Whoever comes back after a year begins anew. */
#define TO_DEVICE_KEPT_MS   (INT64_C(365) * 24 * HOUR)
#define SCAN_RESULT_KEPT_MS (INT64_C(365) * 24 * HOUR)

static enum errcode expire_typing(struct call *call)
{
    typing_expire(call->services->typing, clock_monotonic_ms());
    return OK;
}

static enum errcode tick_presence(struct call *call)
{
    if (!config_current(call->services->config)->presence_enabled)
        return OK;
    return presence_tick(call);
}

static enum errcode expire_transaction_ids(struct call *call)
{
    int64_t deleted;

    do {
        TRY(client_transactions_expire(call->db, clock_wall_ms() - TRANSACTION_ID_KEPT_MS,
                                       EXPIRED_AT_ONCE, &deleted));
    } while (deleted == EXPIRED_AT_ONCE);
    return to_device_transactions_expire(call->db, clock_wall_ms() - TRANSACTION_ID_KEPT_MS);
}

static enum errcode expire_to_device(struct call *call)
{
    TRY(to_device_expire(call->db, clock_wall_ms() - TO_DEVICE_KEPT_MS));
    return to_device_trim(call->db, TO_DEVICE_WAITING_MAX);
}

/* What a rush left behind, like that of ten thousand clients who come back at once: free, but in
 * pieces between what is in use, so that the C library keeps it. Milliseconds. */
static enum errcode return_memory(struct call *call UNUSED)
{
    malloc_trim(0);
    return OK;
}

static enum errcode forget_idle_subscribers(struct call *call)
{
    notifier_forget_idle(call->services->notifier, SUBSCRIBER_IDLE_MS);
    return OK;
}

/* Longer than any upload takes between writing its object and its row. */
static enum errcode clean_media(struct call *call)
{
    return media_clean(call, clock_wall_ms() - HOUR);
}

static enum errcode expire_delayed_events(struct call *call)
{
    return delayed_events_expire(call->db, clock_wall_ms() - DELAYED_EVENT_KEPT_MS);
}

static enum errcode expire_sliding_connections(struct call *call)
{
    return sliding_connections_expire(call->db, clock_wall_ms() - SLIDING_CONNECTION_IDLE_MS);
}

static enum errcode expire_url_previews(struct call *call)
{
    int64_t kept_ms = config_current(call->services->config)->url_previews.keep_seconds * SECOND;

    return url_previews_expire(call->db, clock_wall_ms() - kept_ms);
}

static enum errcode expire_rendezvous_sessions(struct call *call)
{
    return rendezvous_sessions_expire(call->db, clock_wall_ms());
}

/* Long after a result has become too old to count. */
static enum errcode expire_scan_results(struct call *call)
{
    int64_t kept_ms = config_current(call->services->config)->antivirus.rescan_seconds * SECOND;

    return scan_results_expire(call->db, clock_wall_ms() - kept_ms - SCAN_RESULT_KEPT_MS);
}

const struct job jobs[] = {
    {"send_delayed_events", SECOND / 5, delayed_events_send_due},
    {"expire_typing", SECOND, expire_typing},
    {"resume_state_completion", SECOND, state_completion_resume},
    {"tick_presence", 5 * SECOND, tick_presence},
    {"resume_federation_inbox", 10 * SECOND, federation_receiver_resume},
    {"forget_idle_subscribers", MINUTE, forget_idle_subscribers},
    {"return_memory", MINUTE, return_memory},
    {"expire_rendezvous_sessions", MINUTE, expire_rendezvous_sessions},
    {"clean_media", 5 * MINUTE, clean_media},
    {"expire_transaction_ids", 10 * MINUTE, expire_transaction_ids},
    {"expire_to_device", 10 * MINUTE, expire_to_device},
    {"expire_delayed_events", HOUR, expire_delayed_events},
    {"expire_remote_device_lists", HOUR, remote_device_lists_expire},
    {"expire_sliding_connections", HOUR, expire_sliding_connections},
    {"expire_scan_results", HOUR, expire_scan_results},
    {"expire_url_previews", HOUR, expire_url_previews},
};

const size_t job_count = COUNT_OF(jobs);
