#ifndef FEDERATION_CLIENT_QUERY_H
#define FEDERATION_CLIENT_QUERY_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/call.h"

/* Spec: server-server API, "Querying for information" (query.yaml). `origin` is the hosted domain
 * that asks. */

/* The room of an alias of another server, and servers in it. M_NOT_FOUND. On the call's arena. */
struct directory_answer {
    const char *room_id;
    const char *const *servers;
    size_t server_count;
};
enum errcode federation_ask_directory(struct call *call, const char *origin, const char *room_alias,
                                      struct directory_answer *out) MUST_CHECK;

/* The whole profile of another server's user: an object. M_NOT_FOUND. */
enum errcode federation_ask_profile(struct call *call, const char *origin, const char *user_id,
                                    json_t **out) MUST_CHECK;

#endif
