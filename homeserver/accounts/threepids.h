#ifndef HOMESERVER_ACCOUNTS_THREEPIDS_H
#define HOMESERVER_ACCOUNTS_THREEPIDS_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct call;
struct config_domain;
struct threepid;

/*
 * Third-party identifiers: whether an e-mail address belongs to who says so, and whose it is.
 * Spec: client-server API, "Adding Account Administrative Contact Information".
 *
 *     1 the client asks (email_request_validation); a mail with a link goes out
 *     2 the owner of the address follows the link and confirms (email_confirm)
 *     3 the client uses the proof, once (email_take_proof)
 */
enum email_purpose { EMAIL_FOR_REGISTRATION, EMAIL_FOR_PASSWORD, EMAIL_FOR_ACCOUNT };

/* The address in canonical form: ASCII only, one @, lower case. M_INVALID_PARAM for everything that
 * is no plain address: quoted names, comments, trailing dots, other scripts. */
enum errcode email_canonical(struct call *call, const char *address, const char **out) MUST_CHECK;

struct email_request {
    enum email_purpose purpose;
    const struct config_domain *domain;
    const char *address; /* as the client wrote it */
    const char *client_secret;
    int64_t send_attempt;
    const char *next_link; /* NULL: none */
};

/* Sends the mail, or none when this attempt has sent one. Nobody learns here whether an account has
 * the address: whatever the mail says, the answer is the same. M_THREEPID_DENIED when registration
 * is not for this domain; M_THREEPID_MEDIUM_NOT_SUPPORTED without a mail server; M_LIMIT_EXCEEDED
 * when the address has had enough mails. */
enum errcode email_request_validation(struct call *call, const struct email_request *request,
                                      const char **sid_out) MUST_CHECK;

/* The owner of the address confirms. `*next_link_out` may be NULL. M_NOT_FOUND when the link is
 * wrong or too old. */
enum errcode email_confirm(struct call *call, const char *sid, const char *token,
                           const char **next_link_out) MUST_CHECK;

/* Uses a proof. M_THREEPID_AUTH_FAILED when there is none (yet) for this purpose. Of `out` all but
 * `added_ts` is set. */
enum errcode email_take_proof(struct call *call, enum email_purpose purpose, const char *sid,
                              const char *client_secret, struct threepid *out) MUST_CHECK;

/* M_INVALID_PARAM unless it is 1 to 255 of the characters 0-9 a-z A-Z . = _ -. */
enum errcode client_secret_check(struct call *call, const char *client_secret) MUST_CHECK;

#endif
