#ifndef FEDERATION_CLIENT_FEDERATION_METRICS_H
#define FEDERATION_CLIENT_FEDERATION_METRICS_H

#include <stdint.h>

/* What is counted of the traffic with other servers, by this process; docs/federation.md says what
 * they mean. None of them has a label per server: there may be thousands. */
enum federation_counter {
    FEDERATION_TRANSACTION_IN_TAKEN,
    FEDERATION_TRANSACTION_IN_REPEATED,
    FEDERATION_TRANSACTION_OUT_TAKEN,
    FEDERATION_TRANSACTION_OUT_FAILED,
    FEDERATION_EVENT_IN,
    FEDERATION_EVENT_OUT,
    FEDERATION_EDU_IN,
    FEDERATION_EDU_OUT,
    FEDERATION_EVENT_ACCEPTED,
    FEDERATION_EVENT_SOFT_FAILED,
    FEDERATION_EVENT_REJECTED,
    FEDERATION_EVENT_NOT_TAKEN,
    FEDERATION_REQUEST_NOT_ALLOWED,
    FEDERATION_EVENT_NOT_ALLOWED,
    FEDERATION_CALL_NOT_ALLOWED,
    FEDERATION_LEFT_OUT,
    FEDERATION_COUNTERS
};

/* So that all are there from the start: what appears with its first increase is no increase to
 * Prometheus. */
void federation_metrics_register(void);

void federation_count(enum federation_counter counter, uint64_t by);

#endif
