#ifndef FEDERATION_RECEIVER_AUTHENTICATE_SERVER_H
#define FEDERATION_RECEIVER_AUTHENTICATE_SERVER_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/call.h"

/*
 * Which server sent this request? Spec: server-server API, "Request Authentication".
 */
struct signed_server_request {
    const char *method;
    const char *target; /* path and query exactly as sent */
    const char *const *authorizations;
    size_t authorization_count;
    json_t *content;           /* NULL: the request has no body */
    const char *content_bytes; /* as they came */
    size_t content_size;
};

/* M_UNAUTHORIZED when the signature does not prove it, or the request is for a server that is not
 * hosted here; M_FORBIDDEN when the administrator does not want to hear from that server.
 * `destination_out` is the hosted domain that was addressed. */
enum errcode authenticate_server(struct call *call, const struct signed_server_request *request,
                                 const char **origin_out, const char **destination_out) MUST_CHECK;

#endif
