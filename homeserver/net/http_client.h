#ifndef HOMESERVER_NET_HTTP_CLIENT_H
#define HOMESERVER_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct config_holder;
struct http_answer;

/*
 * Outgoing HTTP: one thread drives a curl multi handle for the whole process, so connections are
 * shared and HTTP/2 is used where the peer offers it. Every call has a time limit, an answer limit
 * and a policy on addresses, checked on the address that was connected to. Redirects are followed
 * only when asked for, each hop checked again. Thread-safe.
 */
struct http_client;

enum http_trust {
    HTTP_TRUST_SYSTEM,    /* config outgoing.ca_file or the system's authorities */
    HTTP_TRUST_FEDERATION /* the same plus federation.ca_file */
};

struct http_call {
    const char *method;         /* "GET", "PUT", "POST" … */
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;           /* may be NULL */
    size_t body_size;
    bool borrows_body;            /* http_client_fetch() only: a large body is not copied */
    int64_t timeout_ms;           /* whole call */
    size_t answer_limit_bytes;    /* E_REMOTE when the answer, decoded, is larger */
    int redirects_max;            /* 0: not followed; https never leads to http */
    bool allow_private_addresses; /* false: E_REMOTE when the connected address is not public */
    /* Networks that are allowed although they are not public; borrowed for ever. */
    const char *const *allowed_networks;
    size_t allowed_network_count;
    enum http_trust trust;
    const char *connect_to; /* "host:port" to dial instead of the URL's; SNI and Host stay the
                               URL's; NULL */
    const char *ca_file;    /* PEM: the only authorities for this call, whatever `trust`; NULL */
    const char *client_certificate, *client_key; /* PEM files for mutual TLS; NULL */
    /* Streaming: called for each piece of an answer instead of collecting the body, on the client's
     * thread (writing to a local file is fine, waiting is not); a non-OK result ends the call with
     * it; may be NULL. The status and headers are in `answer`. */
    enum errcode (*on_body)(void *context, const struct http_answer *answer, const void *bytes,
                            size_t size);
    void *context;
    /* S3: "aws:amz:<region>:s3" with user:password for CURLOPT_AWS_SIGV4; NULL */
    const char *aws_sigv4, *user_password;
};

struct http_header {
    const char *name, *value;
};

/* Why a call came to nothing, for those who explain it to people. */
enum http_failure {
    HTTP_FAILURE_OTHER,
    HTTP_FAILURE_NAME,    /* no address has this name */
    HTTP_FAILURE_CONNECT, /* nobody takes the connection */
    HTTP_FAILURE_ADDRESS, /* the address is not one that may be called */
    HTTP_FAILURE_CERTIFICATE,
    HTTP_FAILURE_TIME,
};

struct http_answer {
    int status;
    enum http_failure failure; /* unless the call was OK */
    const char *body;          /* NUL-terminated as well; never NULL */
    size_t body_size;
    const struct http_header *headers; /* of the final answer, at most 128 */
    size_t header_count;
};

/* The first header of that name, in any case; NULL when there is none. */
const char *http_answer_header(const struct http_answer *answer, const char *name);

/* Reads the proxy and the certificate authorities from the current configuration at each call. */
struct http_client *http_client_create(struct config_holder *config);

/* Everything under way ends with E_SHUTDOWN, as does every later call. May be called twice. */
void http_client_stop(struct http_client *client);

/* Stops. Nobody may be waiting or calling any more. NULL is allowed. */
void http_client_destroy(struct http_client *client);

/* Blocks this thread. E_TIMEOUT, E_REMOTE with the reason in `error`; any HTTP status is OK.
 * The answer is on the arena. */
enum errcode http_client_fetch(struct http_client *client, struct arena *arena,
                               const struct http_call *call, struct error *error,
                               struct http_answer *out) MUST_CHECK;

/* Asynchronous: `call` is copied, the body as well; `done` runs on the client's thread (must not
 * block) or, when the client was stopped, on this one, exactly once. `answer` is borrowed until it
 * returns, and zero unless `outcome` is OK; `why` is a text for people. */
typedef void (*http_done)(void *context, enum errcode outcome, const struct http_answer *answer,
                          const char *why);
void http_client_start(struct http_client *client, const struct http_call *call, http_done done,
                       void *context);

#endif
