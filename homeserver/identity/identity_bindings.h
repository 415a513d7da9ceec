#ifndef HOMESERVER_IDENTITY_IDENTITY_BINDINGS_H
#define HOMESERVER_IDENTITY_IDENTITY_BINDINGS_H

#include "homeserver/identity/identity_server.h"

/*
 * Which addresses a local user has bound where. As identity_server.h; a server that refuses to
 * unbind, can not be reached or is not trusted any more is an outcome, not an error.
 */
struct identity_owner {
    int64_t user_nid;
    const char *user_id;
};

/* Binds, remembers, and gives the server's answer. */
enum errcode identity_bind(struct call *call, const struct identity_owner *owner,
                           const struct identity_server *server, const char *sid,
                           const char *client_secret, json_t **out) MUST_CHECK;

/* Takes an address off `server_name`, or off all servers where we know it to be when that is NULL.
 * `*result_out` is the `id_server_unbind_result` of the specification: "success", or "no-support"
 * when a server did not do it or none is known. */
enum errcode identity_unbind(struct call *call, const struct identity_owner *owner,
                             const char *server_name, const struct identity_address *address,
                             const char **result_out) MUST_CHECK;

/* The same for all addresses of an account that ends. */
enum errcode identity_unbind_all(struct call *call, const struct identity_owner *owner,
                                 const char *server_name, const char **result_out) MUST_CHECK;

#endif
