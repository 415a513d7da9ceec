/* Spec: appendix "Checking for a signature"; client-server API, "Device keys". */
#include "homeserver/encryption/olm_keys.h"

#include <olm/olm.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/ed25519.h"
#include "homeserver/protocol/signing_json.h"

static bool verify(const char *public_key, const struct strbuf *message, const char *signature)
{
    /* libolm decodes the signature in place. */
    char copy[ED25519_SIGNATURE_CHARS];
    void *memory = malloc(olm_utility_size());

    if (memory == NULL)
        abort();
    memcpy(copy, signature, sizeof(copy));
    OlmUtility *utility = olm_utility(memory);
    size_t outcome = olm_ed25519_verify(utility, public_key, strlen(public_key), message->data,
                                        message->length, copy, sizeof(copy));
    olm_clear_utility(utility);
    free(memory);
    return outcome != olm_error();
}

bool olm_key_signed(const json_t *document, const char *user_id, const char *key_id,
                    const char *public_key)
{
    const char *signature = signing_json_signature(document, user_id, key_id);
    SCOPED(strbuf_finish) struct strbuf message;

    strbuf_init(&message, 0);
    return signature != NULL && strlen(signature) == ED25519_SIGNATURE_CHARS &&
           public_key != NULL && strlen(public_key) == ED25519_PUBLIC_KEY_CHARS &&
           signing_json_bytes(document, &message) == OK && verify(public_key, &message, signature);
}
