#ifndef HOMESERVER_ENCRYPTION_CROSS_SIGNING_H
#define HOMESERVER_ENCRYPTION_CROSS_SIGNING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/device_keys.h"

struct call;
struct requester;

/* Spec: client-server API, "Cross-signing" (cross_signing.yaml). */
enum { CROSS_SIGNING_USAGES = 3 };

/* A user's cross-signing keys by usage; `json` is NULL where there is none. */
struct cross_signing_set {
    struct cross_signing_key keys[CROSS_SIGNING_USAGES];
};

/* What is stored; borrowed from the arena. */
enum errcode cross_signing_load(struct call *call, const char *user_id, int64_t user_nid,
                                struct cross_signing_set *out) MUST_CHECK;

/* A key document of this user as it is stored: nobody else's signatures in it. On the arena. */
enum errcode key_document_text(struct call *call, const char *user_id, const json_t *key,
                               const char **out) MUST_CHECK;

/* True when the upload replaces nothing: there is no master key yet, or all keys in the body are
 * the stored ones. Then no authentication is asked for, so that it can be repeated. */
enum errcode cross_signing_upload_is_harmless(struct call *call, const struct requester *requester,
                                              const json_t *body, bool *out) MUST_CHECK;

/* Stores the keys of the body (`master_key`, `self_signing_key`, `user_signing_key`).
 * M_INVALID_SIGNATURE, M_MISSING_PARAM without a master key, M_FORBIDDEN when a device has the name
 * of a key, M_BAD_JSON, M_INVALID_PARAM. */
enum errcode cross_signing_upload(struct call *call, const struct requester *requester,
                                  const json_t *body) MUST_CHECK;

#endif
