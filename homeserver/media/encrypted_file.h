#ifndef HOMESERVER_MEDIA_ENCRYPTED_FILE_H
#define HOMESERVER_MEDIA_ENCRYPTED_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/aes_ctr.h"
#include "homeserver/call.h"
#include "homeserver/protocol/mxc_uri.h"
#include "storage/media_files.h"

/* What an event tells about an encrypted attachment. Spec: client-server API, "Sending encrypted
 * attachments", EncryptedFile. */
struct encrypted_file {
    struct mxc_uri uri;
    uint8_t key[AES_CTR_KEY_BYTES];
    uint8_t iv[AES_CTR_IV_BYTES];
    uint8_t hash[SHA256_BYTES]; /* of the encrypted bytes */
};

/* M_BAD_JSON, with a text that says what is wrong. */
enum errcode encrypted_file_read(struct call *call, const json_t *json,
                                 struct encrypted_file *out) MUST_CHECK;

/* What names the decrypted content without decrypting it. */
void encrypted_file_identity(const struct encrypted_file *file, uint8_t out[SHA256_BYTES]);

/* True when the stored bytes are those that the event tells about. */
bool encrypted_file_matches(const struct encrypted_file *file, const struct media_file *stored);

/* Decrypts the stored bytes into an unnamed file, for the caller to close. */
enum errcode encrypted_file_open(struct call *call, const struct encrypted_file *file,
                                 const struct media_file *stored, int *fd_out) MUST_CHECK;

#endif
