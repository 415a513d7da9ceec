#ifndef HOMESERVER_BASE_SHA256_H
#define HOMESERVER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX_CHARS = 64 };

void sha256(const void *bytes, size_t size, uint8_t out[SHA256_BYTES]);

/* SHA-256 of a text as lower-case hexadecimal: how tokens are stored. */
void sha256_hex(const char *text, char out[SHA256_HEX_CHARS + 1]);

/* A hash that is there already, as lower-case hexadecimal. */
void sha256_to_hex(const uint8_t hash[SHA256_BYTES], char out[SHA256_HEX_CHARS + 1]);

/* Of bytes that come piece by piece; finish once, which frees, or drop. */
struct sha256_stream;
struct sha256_stream *sha256_stream_create(void);
void sha256_stream_add(struct sha256_stream *stream, const void *bytes, size_t size);
void sha256_stream_finish(struct sha256_stream *stream_owned, uint8_t out[SHA256_BYTES]);
/* NULL is allowed. */
void sha256_stream_drop(struct sha256_stream *stream_owned);

#endif
