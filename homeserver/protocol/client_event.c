/*
 * Cutting client events from stored PDUs.
 * Spec: client-server API, "Room event format" and "Stripped state"; room version 11, "Moving the
 * redacts property". Canonical JSON is sorted, so what is to be added is merged in on the way.
 */
#include "homeserver/protocol/client_event.h"

#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json_scan.h"
#include "homeserver/protocol/room_version.h"

/* A member that takes its sorted place in the output, instead of one of the same name. */
struct insertion {
    const char *name;
    /* Writes canonical JSON; false when a text it copies from is malformed. */
    bool (*write)(struct strbuf *out, const void *value);
    const void *value; /* NULL: nothing is written, a member of this name is still taken out */
};

/* What becomes of an object. */
struct edit {
    const struct insertion *insertions; /* sorted by name */
    size_t insertion_count;
    const char *const *kept; /* NULL-terminated names; NULL: all are kept */
};

static void write_name(struct strbuf *out, struct json_span name, bool *is_first)
{
    if (!*is_first)
        strbuf_add_char(out, ',');
    *is_first = false;
    strbuf_add_char(out, '"');
    strbuf_add(out, name.bytes, name.size);
    strbuf_add(out, "\":", 2);
}

static bool write_insertion(struct strbuf *out, const struct insertion *insertion, bool *is_first)
{
    if (insertion->value == NULL)
        return true;
    write_name(out, (struct json_span){insertion->name, strlen(insertion->name)}, is_first);
    return insertion->write(out, insertion->value);
}

static bool is_kept(const struct edit *edit, struct json_span name)
{
    if (edit->kept == NULL)
        return true;
    for (const char *const *kept = edit->kept; *kept != NULL; kept++) {
        if (json_span_equals(name, *kept))
            return true;
    }
    return false;
}

/* Copies an object with the edit applied; false when its text is malformed. */
static bool write_edited(struct strbuf *out, struct json_span object, const struct edit *edit)
{
    struct json_scan scan;
    struct json_member member;
    size_t next = 0;
    bool is_first = true, is_sound = true;

    strbuf_add_char(out, '{');
    json_scan_start(&scan, object);
    while (json_scan_next(&scan, &member)) {
        bool is_replaced = false;
        while (next < edit->insertion_count &&
               json_span_compare(member.name, edit->insertions[next].name) >= 0) {
            is_replaced = json_span_equals(member.name, edit->insertions[next].name);
            is_sound &= write_insertion(out, &edit->insertions[next++], &is_first);
        }
        if (is_replaced || !is_kept(edit, member.name))
            continue;
        write_name(out, member.name, &is_first);
        strbuf_add(out, member.value.bytes, member.value.size);
    }
    while (next < edit->insertion_count)
        is_sound &= write_insertion(out, &edit->insertions[next++], &is_first);
    strbuf_add_char(out, '}');
    return is_sound && !scan.failed;
}

static bool write_json(struct strbuf *out, const void *value)
{
    strbuf_add_string(out, value);
    return true;
}

static bool write_text(struct strbuf *out, const void *value)
{
    strbuf_add_json_string(out, value, strlen(value));
    return true;
}

static bool write_int(struct strbuf *out, const void *value)
{
    strbuf_add_int(out, *(const int64_t *)value);
    return true;
}

static bool write_span(struct strbuf *out, const void *value)
{
    const struct json_span *span = value;

    strbuf_add(out, span->bytes, span->size);
    return true;
}

static bool write_unsigned(struct strbuf *out, const void *value)
{
    const struct client_event_unsigned *members = value;
    const struct insertion insertions[] = {
        {"age", write_int, members->has_age ? &members->age_ms : NULL},
        {"invite_room_state", write_json, members->invite_room_state_json},
        {"knock_room_state", write_json, members->knock_room_state_json},
        {"m.relations", write_json, members->relations_json},
        {"membership", write_text, members->membership},
        {"prev_content", write_json, members->prev_content_json},
        {"prev_sender", write_text, members->prev_sender},
        {"redacted_because", write_json, members->redacted_because_json},
        {"replaces_state", write_text, members->replaces_state},
        {"transaction_id", write_text, members->transaction_id},
    };
    const struct edit edit = {.insertions = insertions, .insertion_count = COUNT_OF(insertions)};

    return write_edited(out, (struct json_span){"{}", 2}, &edit);
}

/* The members of a PDU that decide where `redacts` goes. Spans are empty when absent. */
struct pdu_parts {
    struct json_span type, content, redacts;
};

/* False when the text is malformed or has no content. */
static bool find_parts(struct json_span pdu, struct pdu_parts *parts)
{
    struct json_scan scan;
    struct json_member member;

    *parts = (struct pdu_parts){0};
    json_scan_start(&scan, pdu);
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "content"))
            parts->content = member.value;
        else if (json_span_equals(member.name, "redacts"))
            parts->redacts = member.value;
        else if (json_span_equals(member.name, "type"))
            parts->type = member.value;
    }
    return !scan.failed && parts->content.size > 0;
}

static struct json_span find_member(struct json_span object, const char *name)
{
    struct json_scan scan;
    struct json_member member;

    json_scan_start(&scan, object);
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, name))
            return member.value;
    }
    return (struct json_span){0};
}

/* The content of a redaction of room versions 1 to 10, with `redacts` copied into it. */
static bool write_redaction_content(struct strbuf *out, const void *value)
{
    const struct pdu_parts *parts = value;
    const struct insertion insertion = {"redacts", write_span, &parts->redacts};
    const struct edit edit = {.insertions = &insertion, .insertion_count = 1};

    return write_edited(out, parts->content, &edit);
}

/* What a redaction redacts, as text from where its version keeps it; empty for other events, and
 * when it is not a string. */
static struct json_span find_redacts(const struct pdu_parts *parts,
                                     const struct room_version *version)
{
    struct json_span target = {0};

    if (json_span_equals(parts->type, "\"m.room.redaction\""))
        target =
            version->redacts_in_content ? find_member(parts->content, "redacts") : parts->redacts;
    if (target.size == 0 || target.bytes[0] != '"')
        return (struct json_span){0};
    return target;
}

static bool has_members(const struct client_event_unsigned *members)
{
    return members != NULL &&
           (members->has_age || members->invite_room_state_json != NULL ||
            members->knock_room_state_json != NULL || members->relations_json != NULL ||
            members->membership != NULL || members->prev_content_json != NULL ||
            members->redacted_because_json != NULL || members->replaces_state != NULL ||
            members->transaction_id != NULL);
}

static bool write_federation_format(struct strbuf *out, struct json_span pdu,
                                    const struct client_event_options *options)
{
    const struct client_event_unsigned *members = options->unsigned_members;
    const struct insertion insertions[] = {
        {"event_id", write_text, options->event_id},
        {"unsigned", write_unsigned, has_members(members) ? members : NULL},
    };
    const struct edit edit = {.insertions = insertions, .insertion_count = COUNT_OF(insertions)};

    return write_edited(out, pdu, &edit);
}

static bool write_client_format(struct strbuf *out, struct json_span pdu,
                                const struct client_event_options *options)
{
    static const char *const kept[] = {"origin_server_ts", "sender", "state_key", "type", NULL};
    const struct client_event_unsigned *members = options->unsigned_members;
    struct pdu_parts parts;
    bool is_sound = find_parts(pdu, &parts);
    struct json_span redacts = find_redacts(&parts, options->version);
    /* Clients of all ages find `redacts` both at the top level and in the content. */
    bool copies_into_content = redacts.size > 0 && !options->version->redacts_in_content;
    const struct insertion insertions[] = {
        copies_into_content ? (struct insertion){"content", write_redaction_content, &parts}
                            : (struct insertion){"content", write_span, &parts.content},
        {"event_id", write_text, options->event_id},
        {"redacts", write_span, redacts.size > 0 ? &redacts : NULL},
        {"room_id", write_text, options->room_id},
        {"unsigned", write_unsigned, has_members(members) ? members : NULL},
    };
    const struct edit edit = {
        .insertions = insertions, .insertion_count = COUNT_OF(insertions), .kept = kept};

    return is_sound && write_edited(out, pdu, &edit);
}

enum errcode client_event_write(struct strbuf *out, const char *pdu, size_t size,
                                const struct client_event_options *options)
{
    const struct json_span span = {pdu, size};
    bool is_sound = options->format == CLIENT_EVENT_FORMAT_FEDERATION
                        ? write_federation_format(out, span, options)
                        : write_client_format(out, span, options);

    return is_sound ? OK : E_DATABASE;
}

enum errcode client_event_write_stripped(struct strbuf *out, const char *pdu, size_t size,
                                         bool with_timestamp)
{
    static const char *const kept[] = {"content", "sender", "state_key", "type", NULL};
    static const char *const kept_with_timestamp[] = {
        "content", "origin_server_ts", "sender", "state_key", "type", NULL};
    const struct edit edit = {.kept = with_timestamp ? kept_with_timestamp : kept};

    return write_edited(out, (struct json_span){pdu, size}, &edit) ? OK : E_DATABASE;
}
