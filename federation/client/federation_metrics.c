/* Counters of federation. */
#include "federation/client/federation_metrics.h"

#include <stddef.h>

#include "homeserver/base/metrics.h"

#define TRANSACTIONS                                                                               \
    "beffroi_federation_transactions_total", "Transactions of and to other servers."
#define MESSAGES    "beffroi_federation_messages_total", "Events and EDUs in these transactions."
#define JUDGED      "beffroi_federation_judged_total", "Events of other servers, by what became of them."
#define NOT_ALLOWED "beffroi_federation_not_allowed_total", "What the allow and deny lists refused."

static const struct {
    const char *name, *help, *labels;
} rows[FEDERATION_COUNTERS] = {
    [FEDERATION_TRANSACTION_IN_TAKEN] = {TRANSACTIONS, "direction=\"in\",outcome=\"taken\""},
    [FEDERATION_TRANSACTION_IN_REPEATED] = {TRANSACTIONS, "direction=\"in\",outcome=\"repeated\""},
    [FEDERATION_TRANSACTION_OUT_TAKEN] = {TRANSACTIONS, "direction=\"out\",outcome=\"taken\""},
    [FEDERATION_TRANSACTION_OUT_FAILED] = {TRANSACTIONS, "direction=\"out\",outcome=\"failed\""},
    [FEDERATION_EVENT_IN] = {MESSAGES, "direction=\"in\",kind=\"event\""},
    [FEDERATION_EVENT_OUT] = {MESSAGES, "direction=\"out\",kind=\"event\""},
    [FEDERATION_EDU_IN] = {MESSAGES, "direction=\"in\",kind=\"edu\""},
    [FEDERATION_EDU_OUT] = {MESSAGES, "direction=\"out\",kind=\"edu\""},
    [FEDERATION_EVENT_ACCEPTED] = {JUDGED, "result=\"accepted\""},
    [FEDERATION_EVENT_SOFT_FAILED] = {JUDGED, "result=\"soft_failed\""},
    [FEDERATION_EVENT_REJECTED] = {JUDGED, "result=\"rejected\""},
    [FEDERATION_EVENT_NOT_TAKEN] = {JUDGED, "result=\"not_taken\""},
    [FEDERATION_REQUEST_NOT_ALLOWED] = {NOT_ALLOWED, "what=\"request\""},
    [FEDERATION_EVENT_NOT_ALLOWED] = {NOT_ALLOWED, "what=\"event\""},
    [FEDERATION_CALL_NOT_ALLOWED] = {NOT_ALLOWED, "what=\"call\""},
    [FEDERATION_LEFT_OUT] = {"beffroi_federation_left_out_total",
                             "Transactions of one event that another server refused for good.",
                             NULL},
};

static struct metric_counter *counter_of(enum federation_counter counter)
{
    return metrics_counter(rows[counter].name, rows[counter].help, rows[counter].labels);
}

void federation_metrics_register(void)
{
    for (int i = 0; i < FEDERATION_COUNTERS; i++)
        (void)counter_of((enum federation_counter)i);
}

void federation_count(enum federation_counter counter, uint64_t by)
{
    metric_count(counter_of(counter), by);
}
