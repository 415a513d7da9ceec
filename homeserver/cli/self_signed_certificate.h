#ifndef HOMESERVER_CLI_SELF_SIGNED_CERTIFICATE_H
#define HOMESERVER_CLI_SELF_SIGNED_CERTIFICATE_H

#include "homeserver/base/error.h"

struct arena;
struct config;

/* Makes the certificate and key of listeners with tls_self_signed, for the hosted domains,
 * localhost and the listeners' addresses. Files that are there and good for another month are kept:
 * whoever accepted the certificate once is not asked again. */
enum errcode self_signed_certificate_ensure(struct arena *arena, const struct config *config,
                                            struct error *error) MUST_CHECK;

#endif
