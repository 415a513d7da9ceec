/* Members of stored events, read by scanning their canonical bytes. */
#include "homeserver/rooms/event_subject.h"

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/json_scan.h"

/* A string as written in JSON. Escapes are rare in types and user IDs, so the plain case is a copy.
 */
static const char *read_text(struct arena *arena, struct json_span span)
{
    json_t *value;

    if (span.size < 2 || span.bytes[0] != '"')
        return NULL;
    if (memchr(span.bytes, '\\', span.size) == NULL)
        return arena_strndup(arena, span.bytes + 1, span.size - 2);
    if (json_parse(arena, span.bytes, span.size, NULL, &value) != OK || !json_is_text(value))
        return NULL;
    return json_string_value(value);
}

enum errcode event_subject_read(struct call *call, const struct stored_event *event,
                                struct event_subject *out)
{
    struct json_member member;
    struct json_scan scan;

    *out = (struct event_subject){0};
    json_scan_start(&scan, (struct json_span){event->json, event->json_size});
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "content")) {
            out->content = member.value.bytes;
            out->content_size = member.value.size;
        } else if (json_span_equals(member.name, "type")) {
            out->type = read_text(call->arena, member.value);
        } else if (json_span_equals(member.name, "sender")) {
            out->sender = read_text(call->arena, member.value);
        } else if (json_span_equals(member.name, "state_key")) {
            out->state_key = read_text(call->arena, member.value);
        }
    }
    return scan.failed || out->type == NULL || out->sender == NULL ? E_DATABASE : OK;
}

enum errcode event_subject_content(struct call *call, const struct event_subject *subject,
                                   json_t **out)
{
    return json_parse_object(call->arena, subject->content, subject->content_size, NULL, out);
}

enum errcode events_filter(struct call *call, const struct event_filter *filter,
                           const char *room_id, struct stored_event *events, size_t *count,
                           const char **senders_out)
{
    bool needs_content = event_filter_needs_content(filter);
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        struct event_subject event;
        json_t *content = NULL;
        TRY(event_subject_read(call, &events[i], &event));
        if (needs_content)
            TRY(event_subject_content(call, &event, &content));
        const struct filter_subject subject = {
            .room_id = room_id, .sender = event.sender, .type = event.type, .content = content};
        if (!event_filter_passes(filter, &subject))
            continue;
        if (senders_out != NULL)
            senders_out[kept] = event.sender;
        events[kept++] = events[i];
    }
    *count = kept;
    return OK;
}

enum errcode event_subject_membership(struct call *call, const struct stored_event *event,
                                      const char **out)
{
    struct event_subject subject;
    struct json_member member;
    struct json_scan scan;

    *out = NULL;
    TRY(event_subject_read(call, event, &subject));
    if (strcmp(subject.type, "m.room.member") != 0)
        return OK;
    json_scan_start(&scan, (struct json_span){subject.content, subject.content_size});
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "membership"))
            *out = read_text(call->arena, member.value);
    }
    return OK;
}
