#ifndef FEDERATION_CLIENT_SERVER_KEYS_H
#define FEDERATION_CLIENT_SERVER_KEYS_H

#include "homeserver/call.h"
#include "homeserver/protocol/server_keys.h"

/* Asking for signing keys. Spec: server-server API, "Retrieving server keys". */

/* From the server itself: GET /_matrix/key/v2/server. Checked: it signed them. */
enum errcode federation_get_server_keys(struct call *call, const char *server_name,
                                        const struct server_keys **out) MUST_CHECK;

/* From a notary that is trusted: POST /_matrix/key/v2/query. The documents about that server (one
 * or several) that it and the notary signed; `notary_keys` are the notary's own. The one with the
 * named key should still hold, but the notary may have an old one only; NULL: any key. */
struct notary_query {
    const char *notary;
    const struct server_keys *notary_keys;
    const char *server_name;
    const char *key_id;
};
enum errcode federation_query_notary(struct call *call, const struct notary_query *query,
                                     const struct server_keys ***out, size_t *count_out) MUST_CHECK;

#endif
