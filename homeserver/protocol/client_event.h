#ifndef HOMESERVER_PROTOCOL_CLIENT_EVENT_H
#define HOMESERVER_PROTOCOL_CLIENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct room_version;
struct strbuf;

/*
 * From the stored bytes of an event to what clients get, without building a JSON tree: members are
 * copied, left out or put between. The result is canonical JSON too.
 * Spec: client-server API "Room event format", "Stripped state"; room version 11 for `redacts`.
 */

/* The `unsigned` of an event, made by this server for this reader; what other servers sent as
 * `unsigned` is never passed on. NULL members are left out. `*_json` is canonical JSON text. */
struct client_event_unsigned {
    bool has_age;
    int64_t age_ms;
    const char *invite_room_state_json;
    const char *knock_room_state_json;
    const char *relations_json; /* m.relations */
    const char *membership;
    const char *prev_content_json;
    const char *prev_sender;           /* not of the specification, but what everybody else tells */
    const char *redacted_because_json; /* a client event */
    const char *replaces_state;        /* event ID */
    const char *transaction_id;        /* only for the device that sent the event */
};

enum client_event_format {
    CLIENT_EVENT_FORMAT_CLIENT,
    /* `event_format: federation` of a filter: all members of the PDU. */
    CLIENT_EVENT_FORMAT_FEDERATION,
};

struct client_event_options {
    const struct room_version *version;
    const char *event_id;
    const char *room_id;                                  /* NULL: left out, as /sync wants it */
    const struct client_event_unsigned *unsigned_members; /* NULL: no `unsigned` */
    enum client_event_format format;
};

/* Appends the event to `out` (whose overflow the caller checks). E_DATABASE when the bytes are not
 * an object in canonical JSON; then a part was written. */
enum errcode client_event_write(struct strbuf *out, const char *pdu, size_t size,
                                const struct client_event_options *options) MUST_CHECK;

/* Appends the stripped form: content, sender, state_key, type, and for the space hierarchy
 * origin_server_ts. */
enum errcode client_event_write_stripped(struct strbuf *out, const char *pdu, size_t size,
                                         bool with_timestamp) MUST_CHECK;

#endif
