#ifndef HOMESERVER_PROTOCOL_REQUEST_AUTH_H
#define HOMESERVER_PROTOCOL_REQUEST_AUTH_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/error.h"

struct arena;
struct ed25519_public_key;
struct signing_key;

/*
 * How one server proves to another who it is: the X-Matrix Authorization header.
 * Spec: server-server API, "Request Authentication"; RFC 9110, section 11.4.
 */

/* What the header says. Texts are on the arena. */
struct request_auth {
    const char *origin;
    const char *destination; /* NULL when the sender is older than v1.3 */
    const char *key_id;
    const char *signature; /* base64 */
};

/* What the signature covers. Server names are those before delegation. */
struct signed_request {
    const char *method;
    const char *uri; /* path and query exactly as sent, percent-encoding untouched */
    const char *origin;
    const char *destination;
    const json_t *content; /* the parsed body; NULL when there is none */
    /* To verify: the body as it came, which servers send in the very form that they sign. It counts
     * when what was read of it is not all, see json_parse_foreign(). */
    const char *content_bytes;
    size_t content_size;
};

/* M_UNAUTHORIZED, with the reason in `error`, when `header` (NULL: there is none) is no well-formed
 * X-Matrix header with a valid server name and key ID. */
enum errcode request_auth_parse(struct arena *arena, const char *header, struct error *error,
                                struct request_auth *out) MUST_CHECK;

/* True when the key made the signature over just this request. `request->destination` is the name
 * under which we were addressed; that `auth->destination` agrees is the caller's affair, as is
 * which key of the origin counts (a current one). */
bool request_auth_verify(const struct request_auth *auth, const struct signed_request *request,
                         const struct ed25519_public_key *key);

/* The value of the Authorization header for a request of ours. NULL when the request can
 * not be signed: the target is not UTF-8 or the content is nested too deep. */
char *request_auth_build(struct arena *arena, const struct signed_request *request,
                         const struct signing_key *key);

#endif
