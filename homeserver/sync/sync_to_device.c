/*
 * Messages to this device. They are told until the device comes back with a token from after them,
 * and at most a hundred at a time: the token says how far they were told.
 * Spec: client-server API, "Send-to-Device messaging".
 */
#include "homeserver/accounts/requester.h"
#include "homeserver/encryption/to_device.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/to_device.h"

enum { MESSAGES_MAX = 100 };

enum errcode sync_load_to_device(struct sync *sync)
{
    const struct sync_token *since = sync->request->since;
    const struct requester *requester = sync->request->requester;
    const struct to_device_reader reader = {
        .user_nid = requester->user_nid,
        .device_id = requester->device_id,
        .range = {.since = since != NULL ? since->to_device : 0,
                  .until = sync->until,
                  .limit = MESSAGES_MAX + 1},
    };

    sync->to_device_until = sync->until;
    if (requester->device_id == NULL || sync->known != NULL)
        return OK;
    TRY(to_device_read_on(sync->call->db, sync->call->arena, &reader, &sync->to_device,
                          &sync->to_device_count));
    if (sync->to_device_count > MESSAGES_MAX) {
        sync->to_device_count = MESSAGES_MAX;
        sync->to_device_until = sync->to_device[MESSAGES_MAX - 1].position;
    }
    return OK;
}

void sync_write_to_device_events(struct sync *sync, struct strbuf *out)
{
    strbuf_add_string(out, "\"events\":[");
    to_device_write(sync->to_device, sync->to_device_count, out);
    strbuf_add_char(out, ']');
}

void sync_write_to_device(struct sync *sync, struct strbuf *out)
{
    if (sync->to_device_count == 0)
        return;
    sync->is_empty = false;
    sync_begin_member(out, "to_device");
    strbuf_add_char(out, '{');
    sync_write_to_device_events(sync, out);
    strbuf_add_char(out, '}');
}
