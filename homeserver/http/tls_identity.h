#ifndef HOMESERVER_HTTP_TLS_IDENTITY_H
#define HOMESERVER_HTTP_TLS_IDENTITY_H

#include <gnutls/abstract.h>

#include "homeserver/base/error.h"

struct config_listener;

/* The certificate and key of a TLS listener; replaceable while connections are open. */
struct tls_identity;

/* Loads the PEM files of the configuration, which is borrowed for ever. */
enum errcode tls_identity_create(const struct config_listener *config, struct error *error,
                                 struct tls_identity **out) MUST_CHECK;
void tls_identity_destroy(struct tls_identity *identity);

/* Reads the files again. On failure the old certificate stays in use. */
enum errcode tls_identity_reload(struct tls_identity *identity, struct error *error) MUST_CHECK;

/* GnuTLS asks for the certificate in each handshake but can not say for which listener: so the I/O
 * thread selects it before it runs that listener's daemon. NULL is allowed. */
void tls_identity_select(const struct tls_identity *identity);
gnutls_certificate_retrieve_function2 tls_identity_retrieve;

#endif
