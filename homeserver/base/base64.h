#ifndef HOMESERVER_BASE_BASE64_H
#define HOMESERVER_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/*
 * Unpadded base64 in the two alphabets of Matrix (appendix "Unpadded Base64").
 * Decoding accepts padding, as the appendix asks, and ignores the trailing bits that belong to no
 * byte (the appendix' own test seed has some). It refuses white space and letters of the other
 * alphabet.
 */
enum base64_alphabet { BASE64_STANDARD, BASE64_URLSAFE };

/* Characters of the encoding of `size` bytes, without the NUL. */
size_t base64_encoded_length(size_t size);

/* `out` has room for base64_encoded_length(size) + 1 characters. */
void base64_encode_into(char *out, const void *bytes, size_t size, enum base64_alphabet alphabet);

char *base64_encode(struct arena *arena, const void *bytes, size_t size,
                    enum base64_alphabet alphabet);

/* False when the text is not valid or does not fit into `out_size`. */
bool base64_decode_into(void *out, size_t out_size, size_t *size_out, const char *text,
                        size_t length, enum base64_alphabet alphabet);

/* The one rule for keys, signatures and hashes of others: either alphabet, but not both, and
 * exactly `size` bytes. False otherwise, or when the text is NULL. */
bool base64_decode_exactly(void *out, size_t size, const char *text);

#endif
