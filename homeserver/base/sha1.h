#ifndef HOMESERVER_BASE_SHA1_H
#define HOMESERVER_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20 };

/* Not for security: state resolution of room version 1 breaks ties by it. */
void sha1(const void *bytes, size_t size, uint8_t out[SHA1_BYTES]);

#endif
