#ifndef HOMESERVER_ACCOUNTS_UIA_STAGES_H
#define HOMESERVER_ACCOUNTS_UIA_STAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/accounts/threepids.h"
#include "homeserver/base/error.h"

struct call;
struct config;

/* One try at one stage. */
struct uia_attempt {
    const json_t *auth; /* what the client sent */
    const char *path;   /* of the operation, without the query */
    const char *server_name;
    const char *address;
    json_t *proofs; /* the stage adds what it established */
};

/* `is_never_offered`: a stage that the specification knows and this server does not have; `attempt`
 * says why.
 * `attempt` returns OK when the stage is done and M_* when it failed. `params` may be NULL; it
 * returns what the client must know, a new reference, or NULL. */
struct uia_stage {
    const char *type;
    enum errcode (*attempt)(struct call *call, const struct uia_attempt *attempt);
    json_t *(*params)(const struct config *config);
    bool is_never_offered;
};

/* What a proof of an address is for, in an operation with this path. */
enum email_purpose uia_email_purpose(const char *path);

/* NULL when this server does not know the type. */
const struct uia_stage *uia_find_stage(const char *type);

#endif
