#ifndef HOMESERVER_ACCOUNTS_UIA_H
#define HOMESERVER_ACCOUNTS_UIA_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct call;
struct requester;

/*
 * User-interactive authentication.
 * Spec: client-server API, "User-Interactive Authentication API".
 *
 * A session is bound to one user, device, method, path and body. The client may send the body again
 * or only `auth`; another body is refused once a stage is done, so that nobody can prove one thing
 * and be granted another. Sessions live for half an hour and their number is limited.
 */
enum { UIA_STAGES_MAX = 4, UIA_FLOWS_MAX = 4 };

/* Stages in order; shorter flows end with NULL. */
struct uia_flow {
    const char *stages[UIA_STAGES_MAX];
};

/* What is asked for. Everything is borrowed. */
struct uia_operation {
    const struct uia_flow *flows;
    size_t flow_count;
    const struct requester *requester; /* its user_id is NULL when nobody is logged in */
    const char *method;
    const char *path; /* as requested, without the query */
    const char *address;
    const char *server_name;   /* domain of names without one */
    const char *secret_member; /* a new password in the body, or NULL: stored as a hash only */
    json_t *body;
};

/* Members of `proofs`, each present when a stage or the body established it: */
#define UIA_PROOF_USER_NID           "user_nid"           /* integer: password or e-mail */
#define UIA_PROOF_REGISTRATION_TOKEN "registration_token" /* string */
#define UIA_PROOF_TERMS_VERSION      "terms_version"      /* string: m.login.terms */
#define UIA_PROOF_EMAIL              "email"              /* string: m.login.email.identity */
#define UIA_PROOF_EMAIL_TS           "email_ts"           /* integer: when that was validated */
#define UIA_PROOF_SECRET_HASH        "secret_hash"        /* string: hash of the new password */

struct uia_outcome {
    json_t *challenge; /* not NULL: authentication goes on; answer 401 with this */
    json_t *body;      /* what the client asked for, without `auth` and the secret */
    json_t *proofs;
    const char *session_id; /* NULL when one request was enough */
};

/* Takes the authentication one step further; results are borrowed from the arena. A failed stage is
 * no error but a challenge that says so. M_FORBIDDEN when the session belongs to another user or
 * operation, M_LIMIT_EXCEEDED when passwords are guessed. */
enum errcode uia_authorise(struct call *call, const struct uia_operation *operation,
                           struct uia_outcome *out) MUST_CHECK;

/* Forgets the session, after what it was for has been done. */
enum errcode uia_finish(struct call *call, const struct uia_outcome *outcome) MUST_CHECK;

/* A stage done on a web page instead of by the client ("Fallback"). `auth` is what the client would
 * have sent. M_NOT_FOUND when there is no such session; a failed stage is its error. */
enum errcode uia_complete_on_page(struct call *call, const char *session_id, const char *address,
                                  const json_t *auth) MUST_CHECK;

/* The mail that m.login.email.identity needs, for who does that stage on a page. Errors of
 * email_request_validation(); M_NOT_FOUND when there is no such session. */
struct email_request;
enum errcode uia_request_email(struct call *call, const char *session_id,
                               const struct email_request *request,
                               const char **sid_out) MUST_CHECK;

#endif
