#ifndef HOMESERVER_NET_HTTP_TRANSFER_H
#define HOMESERVER_NET_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "homeserver/base/array.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/net/http_client.h"

/*
 * One call while it is under way: a private copy of what was asked for, the curl handle, and what
 * has arrived. Used by one thread at a time.
 */
struct http_transfer {
    struct http_transfer *next, *previous; /* in a list of the client */
    struct arena *arena;
    struct http_call call; /* on the arena */
    http_done done;
    void *done_context;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct strbuf body;
    ARRAY_OF(struct http_header) answer_headers;
    struct http_answer answer;
    size_t received;     /* bytes of the answer's body */
    enum errcode broken; /* why we ended it ourselves; OK when we did not */
    const char *broken_why;
    char why[CURL_ERROR_SIZE];
};

/* What all transfers have in common. */
struct http_surroundings {
    const char *proxy; /* NULL: none */
    const char *ca_file;
    const char *federation_ca; /* PEM, NULL when federation trusts nobody else */
};

struct http_transfer *http_transfer_create(const struct http_call *call, http_done done,
                                           void *done_context);
void http_transfer_destroy(struct http_transfer *transfer);

/* Makes the curl handle. E_SYSTEM when curl refuses an option or the URL. */
enum errcode http_transfer_prepare(struct http_transfer *transfer,
                                   const struct http_surroundings *surroundings) MUST_CHECK;

/* What became of it, after curl is done with it; fills in `answer` or `why`. */
enum errcode http_transfer_outcome(struct http_transfer *transfer, CURLcode result);

#endif
