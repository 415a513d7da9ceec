#ifndef FEDERATION_CLIENT_FEDERATION_CLIENT_H
#define FEDERATION_CLIENT_FEDERATION_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct config;
struct config_holder;
struct db;
struct http_client;
struct signing_key;

/*
 * What all calls to other servers share: our keys, what is known of the others' addresses and
 * health. Thread-safe.
 */
struct federation_client;

/* A hosted domain; borrowed for the life of the client. */
struct federation_identity {
    const char *server_name;
    const struct signing_key *key;
};

struct federation_client_options {
    struct config_holder *config;
    struct http_client *http;
    const struct federation_identity *identities; /* copied */
    size_t identity_count;
};

struct federation_client *federation_client_create(const struct federation_client_options *options);
void federation_client_destroy(struct federation_client *client);

/* The key of a hosted domain; NULL for any other. */
const struct signing_key *federation_client_key(const struct federation_client *client,
                                                const char *server_name);

/* Whether we talk to this server at all: switch, deny list, allow list. Asked at dial, and by those
 * who take requests and events. `why_out` (may be NULL) gets a fragment for people. */
bool federation_allows(const struct config *config, const char *server_name, const char **why_out);

/* Puts the certificates into a call that the configuration has for this server. */
struct http_call;
void federation_set_tls(const struct config *config, const char *server_name,
                        struct http_call *call);

/* For those who call asynchronously and keep the back-off themselves: when the server may be called
 * next (ms since 1970; 0: now), and why a call failed (NULL: it answered). */
enum errcode federation_retry_ts(struct federation_client *client, struct db *db,
                                 const char *server_name, int64_t *out) MUST_CHECK;
enum errcode federation_note_health(struct federation_client *client, struct db *db,
                                    const char *server_name, const char *why) MUST_CHECK;

/* The server called us: it may be called at once. True when it counted as failing. */
bool federation_peer_spoke(struct federation_client *client, const char *server_name);

/* Servers that administrators want to be tried again may be called at once. */
struct call;
enum errcode federation_heed_retries(struct call *call) MUST_CHECK;

#endif
