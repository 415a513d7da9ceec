#ifndef HOMESERVER_SERVER_ROUTES_H
#define HOMESERVER_SERVER_ROUTES_H

#include <stddef.h>

#include "homeserver/http/route.h"

/* Every endpoint of every API, one row each. */
extern const struct route routes[];
extern const size_t route_count;

#endif
