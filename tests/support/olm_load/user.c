/* What a user of the load client does. */
#include "tests/support/olm_load/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"

enum {
    ONE_TIME_KEYS = 50,
    ONE_TIME_KEYS_LOW = 25,
    MESSAGES_PER_SESSION = 25,
    ONE_SYNC_ABORTED_OF = 5,
    ABORT_AFTER_MS_MAX = 15,
};

/* {"room":{"timeline":{"limit":1000}},"presence":{"not_types":["*"]}} */
#define SYNC_FILTER                                                                                \
    "%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A1000%7D%7D%2C%22presence%22%3A%7B"       \
    "%22not_types%22%3A%5B%22*%22%5D%7D%7D"

static unsigned draw(struct user *user, unsigned bound)
{
    return (unsigned)rand_r(&user->seed) % bound;
}

static json_t *call(const struct user *user, const char *method, const char *path, json_t *body)
{
    json_t *answer = request_until_answered(&user->connection, method, path, body);

    json_decref(body);
    return answer;
}

static void upload(struct user *user, json_t *device_keys, size_t count)
{
    json_t *body =
        json_pack("{s:o}", "one_time_keys", olm_device_one_time_keys(user->device, count));

    if (device_keys != NULL)
        json_object_set_new(body, "device_keys", device_keys);
    json_decref(call(user, "POST", "/_matrix/client/v3/keys/upload", body));
    olm_device_mark_published(user->device);
}

void user_upload_keys(struct user *user)
{
    user->device = olm_device_create(user->user_id, user->device_id);
    upload(user, olm_device_keys(user->device), ONE_TIME_KEYS);
}

static const char *device_key(struct user *user, const json_t *answer, const struct user *other,
                              const char *algorithm)
{
    json_t *devices = json_get_object(json_get_object(answer, "device_keys"), other->user_id);
    json_t *keys = json_get_object(json_get_object(devices, other->device_id), "keys");
    const char *key =
        json_get_string(keys, arena_printf(user->arena, "%s:%s", algorithm, other->device_id));

    if (key == NULL) {
        fprintf(stderr, "olm_load: %s has no %s key\n", other->user_id, algorithm);
        exit(1);
    }
    return arena_strdup(user->arena, key);
}

void user_meet(struct user *user, const struct user *members, size_t count)
{
    json_t *wanted = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(wanted, members[i].user_id, json_array());
    json_t *answer = call(user, "POST", "/_matrix/client/v3/keys/query",
                          json_pack("{s:o}", "device_keys", wanted));
    for (size_t i = 0; i < count; i++) {
        if (&members[i] == user)
            continue;
        user->peers[user->peer_count++] = (struct olm_peer){
            .user_id = members[i].user_id,
            .device_id = members[i].device_id,
            .curve25519 = device_key(user, answer, &members[i], "curve25519"),
            .ed25519 = device_key(user, answer, &members[i], "ed25519"),
        };
    }
    json_decref(answer);
}

static void begin_sessions(struct user *user)
{
    json_t *wanted = json_object();

    for (size_t i = 0; i < user->peer_count; i++) {
        if (user->peers[i].session == NULL)
            json_object_set_new(wanted, user->peers[i].user_id,
                                json_pack("{s:s}", user->peers[i].device_id, "signed_curve25519"));
    }
    if (json_object_size(wanted) == 0) {
        json_decref(wanted);
        return;
    }
    json_t *answer = call(user, "POST", "/_matrix/client/v3/keys/claim",
                          json_pack("{s:o}", "one_time_keys", wanted));
    for (size_t i = 0; i < user->peer_count; i++) {
        struct olm_peer *peer = &user->peers[i];
        json_t *devices = json_get_object(json_get_object(answer, "one_time_keys"), peer->user_id);
        json_t *keys = json_get_object(devices, peer->device_id);
        void *first = json_object_iter(keys);
        if (peer->session == NULL &&
            (first == NULL ||
             !olm_device_begin_session(user->device, peer, json_object_iter_value(first))))
            fprintf(stderr, "olm_load: no one-time key of %s\n", peer->user_id);
    }
    json_decref(answer);
}

static void share_session(struct user *user)
{
    json_t *messages = json_object();

    begin_sessions(user);
    olm_device_rotate(user->device, user->room_id);
    for (size_t i = 0; i < user->peer_count; i++) {
        const struct olm_peer *peer = &user->peers[i];
        if (peer->session != NULL)
            json_object_set_new(
                messages, peer->user_id,
                json_pack("{s:o}", peer->device_id, olm_device_share_key(user->device, peer)));
    }
    char path[128];
    snprintf(path, sizeof(path), "/_matrix/client/v3/sendToDevice/m.room.encrypted/t%d",
             user->transactions++);
    json_decref(call(user, "PUT", path, json_pack("{s:o}", "messages", messages)));
    user->sent_with_session = 0;
}

void user_speak(struct user *user)
{
    char path[512], text[128];

    if (user->sent == 0 || user->sent_with_session == MESSAGES_PER_SESSION)
        share_session(user);
    snprintf(text, sizeof(text), "message %d", user->sent);
    snprintf(path, sizeof(path), "/_matrix/client/v3/rooms/%s/send/m.room.encrypted/t%d",
             user->room_id, user->transactions++);
    json_decref(call(user, "PUT", path, olm_device_encrypt(user->device, text)));
    user->sent++;
    user->sent_with_session++;
}

static bool read_message(struct user *user, const json_t *content)
{
    char *text = olm_device_decrypt(user->device, content);

    if (text == NULL)
        return false;
    free(text);
    user->read++;
    return true;
}

/* Keys may come after the messages: what waits is tried again. */
static void read_waiting(struct user *user)
{
    size_t kept = 0;

    for (size_t i = 0; i < user->waiting.count; i++) {
        json_t *content = user->waiting.items[i];
        if (read_message(user, content))
            json_decref(content);
        else
            user->waiting.items[kept++] = content;
    }
    user->waiting.count = kept;
}

static void take_timeline(struct user *user, const json_t *room)
{
    json_t *timeline = json_get_object(room, "timeline"), *event;
    size_t i;

    user->gaps += json_get_bool(timeline, "limited", false) && user->since != NULL;
    json_array_foreach (json_get_array(timeline, "events"), i, event) {
        const char *type = json_get_string(event, "type");
        const char *sender = json_get_string(event, "sender");
        json_t *content = json_get_object(event, "content");
        if (type == NULL || strcmp(type, "m.room.encrypted") != 0 || sender == NULL ||
            strcmp(sender, user->user_id) == 0 || read_message(user, content))
            continue;
        array_push(user->arena, &user->waiting, json_incref(content));
    }
}

static void take_answer(struct user *user, const json_t *answer)
{
    json_t *event;
    bool has_new_keys = false;
    int64_t count = 0;
    size_t i;

    json_array_foreach (json_get_array(json_get_object(answer, "to_device"), "events"), i, event) {
        has_new_keys |= olm_device_receive(user->device, json_get_object(event, "content"));
    }
    if (has_new_keys)
        read_waiting(user);
    take_timeline(user, json_get_object(json_get_object(json_get_object(answer, "rooms"), "join"),
                                        user->room_id));
    if (json_get_int(json_get_object(answer, "device_one_time_keys_count"), "signed_curve25519",
                     &count) &&
        count < ONE_TIME_KEYS_LOW)
        upload(user, NULL, (size_t)(ONE_TIME_KEYS - count));
    free((void *)(uintptr_t)user->since);
    user->since = strdup(json_get_string(answer, "next_batch"));
}

void user_listen(struct user *user)
{
    char path[1024];

    snprintf(path, sizeof(path), "/_matrix/client/v3/sync?timeout=0&filter=%s%s%s", SYNC_FILTER,
             user->since != NULL ? "&since=" : "", user->since != NULL ? user->since : "");
    if (draw(user, ONE_SYNC_ABORTED_OF) == 0)
        request_abort(&user->connection, path, 1 + (long)draw(user, ABORT_AFTER_MS_MAX));
    json_t *answer = call(user, "GET", path, NULL);
    take_answer(user, answer);
    json_decref(answer);
}
