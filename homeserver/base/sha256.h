#ifndef HOMESERVER_BASE_SHA256_H
#define HOMESERVER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX_CHARS = 64 };

void sha256(const void *bytes, size_t size, uint8_t out[SHA256_BYTES]);

/* SHA-256 of a text as lower-case hexadecimal: how tokens are stored. */
void sha256_hex(const char *text, char out[SHA256_HEX_CHARS + 1]);

#endif
