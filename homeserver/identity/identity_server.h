#ifndef HOMESERVER_IDENTITY_IDENTITY_SERVER_H
#define HOMESERVER_IDENTITY_IDENTITY_SERVER_H

#include <jansson.h>

#include "homeserver/call.h"

/*
 * What a homeserver asks identity servers. Each call blocks on the other server: routes that make
 * one are CALLS_OUT. Only servers that the configuration trusts are called: M_SERVER_NOT_TRUSTED
 * for others. What the server refuses comes back as its code and text, everything else that goes
 * wrong as E_REMOTE or E_TIMEOUT. Results are on the call's arena.
 * Spec: identity service API.
 */
struct identity_server {
    const char *name;         /* host, or host:port */
    const char *access_token; /* the user's own at that server */
};

struct identity_address {
    const char *medium; /* "email" or "msisdn" */
    const char *text;
};

enum errcode identity_server_check(struct call *call, const char *name) MUST_CHECK;

/* Publishes the address that the client validated there (`sid`) as one of the user's. `*out` is the
 * server's answer; the address in it is what was bound. Spec: "3pid/bind". */
enum errcode identity_server_bind(struct call *call, const struct identity_server *server,
                                  const char *user_id, const char *sid, const char *client_secret,
                                  json_t **out) MUST_CHECK;

/* Takes it off again; signed by the user's domain. Spec: "3pid/unbind". */
enum errcode identity_server_unbind(struct call *call, const char *server_name, const char *user_id,
                                    const struct identity_address *address) MUST_CHECK;

/* Who has the address; NULL when nobody has. Spec: "hash_details", "lookup". */
enum errcode identity_server_lookup(struct call *call, const struct identity_server *server,
                                    const struct identity_address *address,
                                    const char **user_id_out) MUST_CHECK;

/* Leaves an invite for whoever will prove to have the address. `invite`: the members that the
 * specification names. `*out` has texts `token` and `display_name` and a list `public_keys`, of
 * which the first is an object with `public_key` and `key_validity_url`. Spec: "store-invite". */
enum errcode identity_server_store_invite(struct call *call, const struct identity_server *server,
                                          const json_t *invite, json_t **out) MUST_CHECK;

/* OK while the key counts, M_FORBIDDEN when it does not. The address comes from a room, so from
 * anybody: unless it is of a server that we trust it must be public. Spec: "pubkey/isvalid". */
enum errcode identity_key_check(struct call *call, const char *validity_url,
                                const char *public_key) MUST_CHECK;

/* Keys that were asked for on behalf of one request: each once, and only a few, whatever is signed
 * with them. On the arena. */
struct identity_keys;
struct identity_keys *identity_keys_create(struct arena *arena);

/* OK when an identity server that we trust has signed the object, by the keys that it tells now;
 * M_FORBIDDEN otherwise. Spec: "pubkey/{keyId}". */
enum errcode identity_signature_check(struct call *call, struct identity_keys *keys,
                                      const json_t *signed_object) MUST_CHECK;

#endif
