#ifndef HOMESERVER_ACCOUNTS_REQUESTER_H
#define HOMESERVER_ACCOUNTS_REQUESTER_H

#include <stdbool.h>
#include <stdint.h>

/* Who makes a request, as proven by the access token. Borrowed from the request's arena. */
struct requester {
    const char *user_id;   /* NULL when nobody is authenticated */
    int64_t user_nid;      /* users.user_nid */
    const char *device_id; /* NULL for an application service without a device */
    int64_t token_nid;     /* access_tokens.token_nid; 0 for an application service */
    bool is_guest;
    bool is_admin;
    bool is_locked;
    bool is_suspended;
    const char *appservice_id; /* NULL unless an application service acts */
    bool is_unlimited;         /* no rate limit counts: some application services */
    const char *server_name;   /* domain of user_id; or, for federation, the origin server */
    const char *addressed_as;  /* for federation: the hosted domain that the request names */
    int64_t last_seen_ts;      /* of the device, ms since 1970, up to a minute old; 0: never */
};

#endif
