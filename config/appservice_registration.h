#ifndef CONFIG_APPSERVICE_REGISTRATION_H
#define CONFIG_APPSERVICE_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

/*
 * The registration file of an application service, as its authors ship it.
 * Spec: application service API, "Registration"; MSC2409 (ephemeral data and to-device messages),
 * MSC3202 (encryption), under their stable and unstable names. Members we do not know are ignored.
 */
struct arena;

struct appservice_namespace {
    const char *regex;
    bool is_exclusive;
};

struct appservice_namespaces {
    const struct appservice_namespace *items;
    size_t count;
};

enum { APPSERVICE_NAMESPACES_MAX = 100 };

struct appservice_registration {
    const char *id;
    const char *url; /* without a slash at its end; NULL: nothing is ever sent there */
    const char *as_token;
    const char *hs_token;
    const char *sender_localpart;
    struct appservice_namespaces users, aliases, rooms;
    const char *const *protocols;
    size_t protocol_count;
    bool is_rate_limited;         /* of the masqueraded users; true when not said */
    bool receives_ephemeral;      /* typing, receipts, presence, to-device messages */
    bool wants_encryption_fields; /* MSC3202: device lists, counts of one-time keys */
};

/* Everything in `*out` is on the arena. M_INVALID_PARAM with what to repair and where. */
enum errcode appservice_registration_read(struct arena *arena, const char *path,
                                          struct error *error,
                                          struct appservice_registration *out) MUST_CHECK;

#endif
