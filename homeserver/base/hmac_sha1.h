#ifndef HOMESERVER_BASE_HMAC_SHA1_H
#define HOMESERVER_BASE_HMAC_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { HMAC_SHA1_BYTES = 20, HMAC_SHA1_HEX_CHARS = 40 };

/* HMAC-SHA1, where other people's protocols ask for it (shared-secret registration, TURN
 * credentials). HMAC does not depend on SHA-1's resistance to collisions. */
void hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
               uint8_t out[HMAC_SHA1_BYTES]);

/* The same in lower-case hexadecimal. */
void hmac_sha1_hex(const void *key, size_t key_size, const void *bytes, size_t size,
                   char out[HMAC_SHA1_HEX_CHARS + 1]);

#endif
