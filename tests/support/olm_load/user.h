#ifndef TESTS_SUPPORT_OLM_LOAD_USER_H
#define TESTS_SUPPORT_OLM_LOAD_USER_H

#include "homeserver/base/array.h"
#include "tests/support/olm_load/olm_device.h"
#include "tests/support/olm_load/requests.h"

enum { MEMBERS_MAX = 64 };

/* One user, played by one thread. */
struct user {
    struct arena *arena;
    const char *user_id;
    const char *device_id;
    const char *room_id;
    struct connection connection;
    struct olm_device *device;
    struct olm_peer peers[MEMBERS_MAX]; /* the other members */
    size_t peer_count;
    const char *since; /* malloc'ed */
    unsigned seed;
    int sent;
    int sent_with_session; /* since the last rotation */
    int transactions;
    int read;                   /* decrypted messages of others */
    int gaps;                   /* limited timelines */
    ARRAY_OF(json_t *) waiting; /* content of events whose key is not there */
};

void user_upload_keys(struct user *user);

/* Learns the devices of the other members: whoever is in `members`, but for this user. */
void user_meet(struct user *user, const struct user *members, size_t count);

/* Sends one message, with a new session now and then. */
void user_speak(struct user *user);

/* One sync, sometimes after one that is given up half-way. */
void user_listen(struct user *user);

#endif
