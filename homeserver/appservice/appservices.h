#ifndef HOMESERVER_APPSERVICE_APPSERVICES_H
#define HOMESERVER_APPSERVICE_APPSERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/appservice/namespaces.h"
#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

/*
 * Which application services there are. Read from the files that `appservice_files` names, at start
 * and on SIGHUP; a set is immutable and stays valid until the process ends, so that readers need no
 * lock. Spec: application service API, "Registration".
 */
struct config;
struct appservices;

enum { APPSERVICES_MAX = 64 }; /* sets of them are bits of a uint64_t */

struct appservice {
    size_t index; /* in its set */
    const char *id;
    const char *url; /* NULL: nothing is ever sent there */
    const char *hs_token;
    uint8_t as_token_hash[SHA256_BYTES];
    const char *sender; /* user ID */
    const struct namespaces *users, *aliases, *rooms;
    const char *const *protocols;
    size_t protocol_count;
    bool is_rate_limited;
    bool receives_ephemeral;
    bool wants_encryption_fields;
};

struct appservice_set {
    const struct appservice *items;
    size_t count;
    uint64_t generation; /* grows with every reload */
};

/* Starts with an empty set. */
struct appservices *appservices_create(void);
void appservices_destroy(struct appservices *appservices);

/* Reads the files of this configuration; the new set counts from now on. M_INVALID_PARAM, and
 * nothing changed, when one of them can not be used or two of them contradict each other. */
enum errcode appservices_load(struct appservices *appservices, const struct config *config,
                              struct error *error) MUST_CHECK;

const struct appservice_set *appservices_current(const struct appservices *appservices);

/* NULL when there is none. */
const struct appservice *appservice_by_token(const struct appservice_set *set, const char *token);
const struct appservice *appservice_by_id(const struct appservice_set *set, const char *id);

/* The application service's own user, or one of its namespaces. */
bool appservice_owns_user(const struct appservice *appservice, const char *user_id);

/* M_EXCLUSIVE when the name is reserved by an application service other than `appservice_id` (NULL:
 * a person asks). */
enum errcode appservices_check_user(const struct appservice_set *set, const char *user_id,
                                    const char *appservice_id, struct error *error) MUST_CHECK;
enum errcode appservices_check_alias(const struct appservice_set *set, const char *alias,
                                     const char *appservice_id, struct error *error) MUST_CHECK;

#endif
