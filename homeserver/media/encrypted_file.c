/* Decrypting an attachment whose key a user has shown us, to look for viruses in it. */
#include "homeserver/media/encrypted_file.h"

#include <string.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/secret.h"
#include "homeserver/media/content.h"
#include "homeserver/media/media_store.h"
#include "homeserver/protocol/json.h"

enum { COPY_BYTES = 64 * 1024 };

static bool decode(const char *text, enum base64_alphabet alphabet, uint8_t *out, size_t wanted)
{
    size_t size;

    return text != NULL && base64_decode_into(out, wanted, &size, text, strlen(text), alphabet) &&
           size == wanted;
}

enum errcode encrypted_file_read(struct call *call, const json_t *json, struct encrypted_file *out)
{
    const json_t *key = json_get_object(json, "key");
    const char *algorithm = json_get_string(key, "alg");
    const char *version = json_get_string(json, "v");

    if (version == NULL || strcmp(version, "v2") != 0)
        return fail(call->error, M_BAD_JSON, "file.v must be v2.");
    if (algorithm == NULL || strcmp(algorithm, "A256CTR") != 0)
        return fail(call->error, M_BAD_JSON, "file.key.alg must be A256CTR.");
    if (!mxc_uri_parse(call->arena, json_get_string(json, "url"), &out->uri))
        return fail(call->error, M_BAD_JSON, "file.url must be an mxc:// URI.");
    if (!decode(json_get_string(key, "k"), BASE64_URLSAFE, out->key, sizeof(out->key)))
        return fail(call->error, M_BAD_JSON, "file.key.k must be 32 bytes in base64url.");
    if (!decode(json_get_string(json, "iv"), BASE64_STANDARD, out->iv, sizeof(out->iv)))
        return fail(call->error, M_BAD_JSON, "file.iv must be 16 bytes in base64.");
    if (!decode(json_get_string(json_get_object(json, "hashes"), "sha256"), BASE64_STANDARD,
                out->hash, sizeof(out->hash)))
        return fail(call->error, M_BAD_JSON, "file.hashes.sha256 must be 32 bytes in base64.");
    return OK;
}

void encrypted_file_identity(const struct encrypted_file *file, uint8_t out[SHA256_BYTES])
{
    uint8_t bytes[SHA256_BYTES + AES_CTR_KEY_BYTES + AES_CTR_IV_BYTES];

    memcpy(bytes, file->hash, SHA256_BYTES);
    memcpy(bytes + SHA256_BYTES, file->key, AES_CTR_KEY_BYTES);
    memcpy(bytes + SHA256_BYTES + AES_CTR_KEY_BYTES, file->iv, AES_CTR_IV_BYTES);
    sha256(bytes, sizeof(bytes), out);
    secret_clear(bytes, sizeof(bytes));
}

static enum errcode decrypt(struct call *call, const struct encrypted_file *file, int in, int out)
{
    struct aes_ctr *cipher = aes_ctr_create(file->key, file->iv);
    char *buffer = arena_alloc(call->arena, COPY_BYTES);
    enum errcode outcome = OK;
    ssize_t size;

    while (outcome == OK && (size = read(in, buffer, COPY_BYTES)) > 0) {
        aes_ctr_apply(cipher, buffer, (size_t)size);
        outcome = media_scratch_write(call, out, buffer, (size_t)size);
    }
    aes_ctr_destroy(cipher);
    return outcome;
}

/* The store names bytes by their hash. */
bool encrypted_file_matches(const struct encrypted_file *file, const struct media_file *stored)
{
    return memcmp(stored->hash, file->hash, SHA256_BYTES) == 0;
}

enum errcode encrypted_file_open(struct call *call, const struct encrypted_file *file,
                                 const struct media_file *stored, int *fd_out)
{
    SCOPED(media_close_fd) int in = -1;
    SCOPED(media_close_fd) int out = -1;

    TRY(content_open(call, stored, &in));
    TRY(media_scratch_open(call, &out));
    TRY(decrypt(call, file, in, out));
    *fd_out = out;
    out = -1;
    return OK;
}
