#ifndef HOMESERVER_ENCRYPTION_SIGNATURE_UPLOAD_H
#define HOMESERVER_ENCRYPTION_SIGNATURE_UPLOAD_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct call;
struct requester;

/*
 * Adds signatures to keys: of the own devices by the self-signing key, of the own master key by
 * devices, of others' master keys by the user-signing key. `documents` is user -> device ID or
 * public key -> signed document; what could not be taken is in `*failures_out`, borrowed from the
 * arena, in the same form with an error. Spec: client-server API, POST /keys/signatures/upload.
 */
enum errcode signatures_upload(struct call *call, const struct requester *requester,
                               json_t *documents, json_t **failures_out) MUST_CHECK;

#endif
