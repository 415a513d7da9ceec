#ifndef TESTS_BENCH_PUSH_GATEWAY_H
#define TESTS_BENCH_PUSH_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

/*
 * A push gateway over HTTPS on 127.0.0.1, in a thread of its own: accepts everything, and remembers
 * the last event that it was told of and when.
 */
struct push_gateway;

/* `pem_path` holds a certificate for 127.0.0.1 and its key. NULL, explained on standard error, when
 * it can not be used or the port is taken. */
struct push_gateway *push_gateway_start(struct arena *arena, const char *pem_path, uint16_t port);
void push_gateway_stop(struct push_gateway *gateway);

/* Waits for so long until the last event is this one. False: it is not. */
bool push_gateway_wait(struct push_gateway *gateway, const char *event_id, int64_t timeout_ms,
                       int64_t *told_at_us_out);

#endif
