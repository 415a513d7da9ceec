/* Spec: client-server API, "Send-to-Device messaging" (to_device.yaml). */
#include "homeserver/encryption/to_device.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/federation_queues.h"
#include "storage/journal.h"
#include "storage/to_device.h"
#include "storage/users.h"

/* Parallel. */
struct receivers {
    ARRAY_OF(const char *) user_ids;
    ARRAY_OF(const char *) device_ids;
    ARRAY_OF(const char *) contents;
};

static enum errcode content_text(struct call *call, const json_t *content, const char **out)
{
    if (!json_is_object(content))
        return fail(call->error, M_BAD_JSON, "The content of a message must be an object.");
    const char *text = json_compact(call->arena, content);
    if (text == NULL)
        return E_SYSTEM;
    if (strlen(text) > TO_DEVICE_CONTENT_BYTES_MAX)
        return fail(call->error, M_TOO_LARGE, "A message to a device has at most %d bytes.",
                    TO_DEVICE_CONTENT_BYTES_MAX);
    *out = text;
    return OK;
}

static enum errcode add_user(struct call *call, struct receivers *receivers, const char *user_id,
                             json_t *devices)
{
    const char *device_id, *text = NULL;
    json_t *content;

    if (!json_is_object(devices))
        return fail(call->error, M_BAD_JSON, "\"messages\" must map users to devices.");
    json_object_foreach (devices, device_id, content) {
        TRY(content_text(call, content, &text));
        if (receivers->contents.count == TO_DEVICE_RECEIVERS_MAX)
            return fail(call->error, M_TOO_LARGE, "At most %d devices can be written to at once.",
                        TO_DEVICE_RECEIVERS_MAX);
        array_push(call->arena, &receivers->user_ids, user_id);
        array_push(call->arena, &receivers->device_ids, device_id);
        array_push(call->arena, &receivers->contents, text);
    }
    return OK;
}

/* What is for users of other servers goes to each of these as one EDU. */
static enum errcode add_remote(struct call *call, const struct to_device_draft *draft,
                               struct journal_entry *entry)
{
    const struct config *config = config_current(call->services->config);
    json_t *servers = json_on_arena(call->arena, json_object()), *devices, *messages;
    const char *user_id, *server_name, *sender;

    json_object_foreach (draft->messages, user_id, devices) {
        if (user_id_is_valid(user_id) && !config_hosts_user(config, user_id))
            json_object_set(key_object_obtain(servers, identifier_domain(user_id)), user_id,
                            devices);
    }
    if (json_object_size(servers) == 0)
        return OK;
    TRY(user_id_load(call->db, call->arena, draft->sender_nid, &sender));
    json_object_foreach (servers, server_name, messages) {
        const struct direct_to_device_edu edu = {
            .sender = sender,
            .type = draft->type,
            .message_id = random_token(call->arena, TO_DEVICE_MESSAGE_ID_CHARS_MAX),
            .messages = messages,
        };
        const char *text =
            json_compact(call->arena, json_on_arena(call->arena, edu_build_direct_to_device(&edu)));
        if (text == NULL)
            return E_SYSTEM;
        federation_outbox_add_in(entry, identifier_domain(sender), server_name, text);
    }
    return OK;
}

enum errcode to_device_send(struct call *call, const struct to_device_draft *draft)
{
    const struct config *config = config_current(call->services->config);
    struct receivers receivers = {0};
    const char *user_id;
    json_t *devices;

    json_object_foreach (draft->messages, user_id, devices) {
        if (config_hosts_user(config, user_id))
            TRY(add_user(call, &receivers, user_id, devices));
    }
    size_t count = receivers.contents.count;
    int64_t *user_nids = ARENA_ARRAY(call->arena, count, int64_t);
    TRY(user_nids_find(call->db, call->arena, receivers.user_ids.items, count, user_nids));

    const struct to_device_batch batch = {
        .sender_nid = draft->sender_nid,
        .type = draft->type,
        .user_nids = user_nids,
        .device_ids = receivers.device_ids.items,
        .contents = receivers.contents.items,
        .count = count,
    };
    struct journal_entry *entry = journal_entry_create();
    if (draft->transaction != NULL)
        to_device_transaction_add_in(entry, draft->transaction, clock_wall_ms());
    to_device_add_in(entry, &batch);
    enum errcode added = add_remote(call, draft, entry);
    if (added != OK) {
        journal_entry_destroy(entry);
        return added;
    }
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

void to_device_write(const struct to_device_message *messages, size_t count, struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct to_device_message *message = &messages[i];
        strbuf_add_string(out, i > 0 ? ",{\"type\":" : "{\"type\":");
        strbuf_add_json_string(out, message->type, strlen(message->type));
        strbuf_add_string(out, ",\"sender\":");
        strbuf_add_json_string(out, message->sender, strlen(message->sender));
        strbuf_printf(out, ",\"content\":%s}", message->content);
    }
}
