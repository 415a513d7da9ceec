#ifndef HOMESERVER_ENCRYPTION_OLM_KEYS_H
#define HOMESERVER_ENCRYPTION_OLM_KEYS_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Signatures of devices and cross-signing keys, checked with libolm: the library that made many of
 * them decides what is valid.
 */

/* True when `document` carries a valid signature `signatures.<user_id>.<key_id>` by this key, in
 * unpadded base64 (NULL: false). */
bool olm_key_signed(const json_t *document, const char *user_id, const char *key_id,
                    const char *public_key);

#endif
