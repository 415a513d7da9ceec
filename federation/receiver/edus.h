#ifndef FEDERATION_RECEIVER_EDUS_H
#define FEDERATION_RECEIVER_EDUS_H

#include <jansson.h>

#include "homeserver/call.h"

/* The EDUs of a transaction (an array or NULL): each is checked and takes effect alone; what is
 * malformed, unknown or about users of other servers than `origin` is left out. Committed with the
 * call. Spec: server-server API, "EDUs". */
enum errcode edus_receive(struct call *call, const char *origin, json_t *edus) MUST_CHECK;

#endif
