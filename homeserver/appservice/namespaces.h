#ifndef HOMESERVER_APPSERVICE_NAMESPACES_H
#define HOMESERVER_APPSERVICE_NAMESPACES_H

#include <stdbool.h>

#include "config/appservice_registration.h"
#include "homeserver/base/error.h"

/*
 * The regular expressions of a registration. They match from the start of an identifier, as bridges
 * expect; an expression that takes too many steps matches nothing.
 * Spec: application service API, "Registration".
 */
struct namespaces;

/* On the arena. M_INVALID_PARAM when an expression is not valid. */
enum errcode namespaces_compile(struct arena *arena, const struct appservice_namespaces *from,
                                struct error *error, struct namespaces **out) MUST_CHECK;

bool namespaces_match(const struct namespaces *namespaces, const char *identifier);
/* Only by those that nobody else may use. */
bool namespaces_match_exclusively(const struct namespaces *namespaces, const char *identifier);
bool namespaces_are_empty(const struct namespaces *namespaces);

#endif
