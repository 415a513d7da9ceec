#ifndef TESTS_SUPPORT_OLM_LOAD_OLM_DEVICE_H
#define TESTS_SUPPORT_OLM_LOAD_OLM_DEVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One device on libolm. Everything here ends the program when it can not be done, but for what
 * others wrote: that may be undecryptable. Lives as long as the program. */
struct olm_device;

/* The other end of an Olm session. */
struct olm_peer {
    const char *user_id;
    const char *device_id;
    const char *curve25519;
    const char *ed25519;
    struct OlmSession *session; /* NULL: none yet */
};

struct olm_device *olm_device_create(const char *user_id, const char *device_id);

/* Signed, as /keys/upload wants them; the caller's. The keys are new until marked. */
json_t *olm_device_keys(struct olm_device *device);
json_t *olm_device_one_time_keys(struct olm_device *device, size_t count);
void olm_device_mark_published(struct olm_device *device);

/* Begins a session with a key that was claimed: {"key": …, "signatures": …}. False when it is not
 * signed by the peer's device. */
bool olm_device_begin_session(struct olm_device *device, struct olm_peer *peer,
                              const json_t *one_time_key);

/* A new Megolm session for a room, and its key as content of an `m.room.encrypted` for the peer. */
void olm_device_rotate(struct olm_device *device, const char *room_id);
json_t *olm_device_share_key(struct olm_device *device, const struct olm_peer *peer);

/* Content of an `m.room.encrypted` event. */
json_t *olm_device_encrypt(struct olm_device *device, const char *text);

/* Takes the content of an encrypted message from another device; true when it held a room key. */
bool olm_device_receive(struct olm_device *device, const json_t *content);

/* The text of an encrypted event; NULL as long as the key is not there. The caller's. */
char *olm_device_decrypt(struct olm_device *device, const json_t *content);

#endif
