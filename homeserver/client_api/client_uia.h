#ifndef HOMESERVER_CLIENT_API_CLIENT_UIA_H
#define HOMESERVER_CLIENT_API_CLIENT_UIA_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/accounts/uia.h"
#include "homeserver/base/error.h"

struct request;

/*
 * User-interactive authentication in a handler:
 *
 *     TRY(client_uia_authorise(req, &client_uia_password, &uia));
 *     if (uia.challenge != NULL)
 *         return client_uia_challenge(req, &uia);
 *     … do it …
 *     TRY(uia_finish(&req->call, &uia));
 */
struct client_uia {
    const struct uia_flow *flows;
    size_t flow_count;
    const char *secret_member; /* see uia.h */
};

/* One flow: the password of whoever is logged in. */
extern const struct client_uia client_uia_password;

enum errcode client_uia_authorise(struct request *req, const struct client_uia *uia,
                                  struct uia_outcome *out) MUST_CHECK;

/* Answers 401 with the challenge. */
enum errcode client_uia_challenge(struct request *req, const struct uia_outcome *outcome);

#endif
