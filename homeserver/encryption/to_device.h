#ifndef HOMESERVER_ENCRYPTION_TO_DEVICE_H
#define HOMESERVER_ENCRYPTION_TO_DEVICE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;
struct strbuf;
struct to_device_message;
struct to_device_transaction;

/* Spec: client-server API, "Send-to-Device messaging". */
enum {
    TO_DEVICE_RECEIVERS_MAX = 10000, /* in one request */
    TO_DEVICE_CONTENT_BYTES_MAX = 65536,
};

struct to_device_draft {
    int64_t sender_nid;
    const char *type;
    json_t *messages;                                /* user -> device or "*" -> content */
    const struct to_device_transaction *transaction; /* not used before; NULL: none */
};

/* Queues the messages for devices of hosted users; unknown ones are dropped. M_BAD_JSON for another
 * shape, M_TOO_LARGE. Committed with the call. */
enum errcode to_device_send(struct call *call, const struct to_device_draft *draft) MUST_CHECK;

/* Appends messages as clients get them, separated by commas. */
void to_device_write(const struct to_device_message *messages, size_t count, struct strbuf *out);

#endif
