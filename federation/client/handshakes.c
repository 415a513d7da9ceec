/* Joining, leaving and knocking through other servers. */
#include "federation/client/handshakes.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"

enum { MAKE_TIMEOUT_MS = 30 * 1000, SEND_TIMEOUT_MS = 120 * 1000 };

static bool is(const char *text, const char *wanted)
{
    return strcmp(text, wanted) == 0;
}

/* Which versions we could join. A leave needs no such agreement. */
static const char *version_query(struct arena *arena, const struct handshake_call *handshake)
{
    struct strbuf query;

    if (is(handshake->membership, "leave"))
        return "";
    strbuf_init(&query, 0);
    for (size_t i = 0; i < room_version_count; i++)
        strbuf_printf(&query, "%cver=%s", i == 0 ? '?' : '&', room_versions[i].id);
    const char *text = arena_strndup(arena, query.data, query.length);
    strbuf_finish(&query);
    return text;
}

enum errcode federation_make_membership(struct call *call, const struct handshake_call *handshake,
                                        const struct room_version **version_out, json_t **event_out)
{
    const char *path = arena_printf(call->arena, "/_matrix/federation/v1/make_%s/%%s/%%s%s",
                                    handshake->membership, version_query(call->arena, handshake));
    const struct federation_request request = {
        .method = "GET",
        .origin = handshake->origin,
        .destination = handshake->destination,
        .target = federation_target(call->arena, path, handshake->room_id, handshake->user_id),
        .timeout_ms = MAKE_TIMEOUT_MS,
        .although_failing = true,
    };
    json_t *answer;

    TRY(federation_fetch(call, &request, &answer));
    const char *version = json_get_string(answer, "room_version");
    *version_out = room_version_find(version != NULL ? version : "1");
    if (*version_out == NULL) {
        error_set_string(call->error, "room_version", version);
        return fail(call->error, M_INCOMPATIBLE_ROOM_VERSION,
                    "This server does not know rooms of version %s.", version);
    }
    *event_out = json_get_object(answer, "event");
    if (*event_out == NULL)
        return fail(call->error, E_REMOTE, "%s answered without an event", handshake->destination);
    return OK;
}

static struct federation_request send_request(struct arena *arena,
                                              const struct handshake_call *handshake,
                                              const char *path, const char *event_id,
                                              const json_t *event)
{
    return (struct federation_request){
        .method = "PUT",
        .origin = handshake->origin,
        .destination = handshake->destination,
        .target = federation_target(arena, path, handshake->room_id, event_id),
        .content = event,
        .timeout_ms = SEND_TIMEOUT_MS,
        .although_failing = true,
    };
}

enum errcode federation_send_membership(struct call *call, const struct handshake_call *handshake,
                                        const char *event_id, const json_t *event,
                                        json_t **answer_out)
{
    const char *path = is(handshake->membership, "leave")
                           ? "/_matrix/federation/v2/send_leave/%s/%s"
                           : "/_matrix/federation/v1/send_knock/%s/%s";
    const struct federation_request request =
        send_request(call->arena, handshake, path, event_id, event);

    return federation_fetch(call, &request, answer_out);
}

enum errcode federation_send_join(struct call *call, const struct handshake_call *handshake,
                                  const char *event_id, const json_t *event, struct strbuf *body)
{
    /* Most of a large room are its members: we take the join without, and fetch them then. */
    static const char path[] = "/_matrix/federation/v2/send_join/%s/%s?omit_members=true";
    struct federation_request request = send_request(call->arena, handshake, path, event_id, event);

    request.answer_limit_bytes = FEDERATION_JOIN_BYTES_MAX;
    return federation_fetch_text(call, &request, body);
}
