#ifndef HOMESERVER_PROTOCOL_FOREIGN_JSON_H
#define HOMESERVER_PROTOCOL_FOREIGN_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * json_parse_object() for what other servers tell: a number too large for our types, which old room
 * versions allow, makes nothing else unreadable. In its place stands 0.5: an event that must not
 * have fractions is none then, and the hash of any other one shows that it is not what was signed.
 */
enum errcode json_parse_foreign(struct arena *arena, const char *bytes, size_t size,
                                struct error *error, json_t **out) MUST_CHECK;

#endif
