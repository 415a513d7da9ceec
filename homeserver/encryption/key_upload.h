#ifndef HOMESERVER_ENCRYPTION_KEY_UPLOAD_H
#define HOMESERVER_ENCRYPTION_KEY_UPLOAD_H

#include <jansson.h>

#include "homeserver/base/error.h"
#include "storage/one_time_keys.h"

struct call;
struct requester;

/* Unclaimed one-time keys of one device. */
enum { ONE_TIME_KEYS_MAX = 1000 };

/* What a device uploads; each may be NULL. */
struct key_upload {
    json_t *device_keys;
    json_t *one_time_keys;
    json_t *fallback_keys;
};

/* Shapes and signatures alone: what keys_upload() would refuse, nothing is stored. */
enum errcode keys_check(struct call *call, const struct requester *requester,
                        const struct key_upload *upload) MUST_CHECK;

/* Checks shapes and signatures and stores the keys of the requester's device; what it has then is
 * in `*out`. M_BAD_JSON, M_INVALID_PARAM for keys of another device and for a one-time key that
 * exists with another value, M_INVALID_SIGNATURE, M_RESOURCE_LIMIT_EXCEEDED. */
enum errcode keys_upload(struct call *call, const struct requester *requester,
                         const struct key_upload *upload, struct key_counts *out) MUST_CHECK;

#endif
