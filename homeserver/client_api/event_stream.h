#ifndef HOMESERVER_CLIENT_API_EVENT_STREAM_H
#define HOMESERVER_CLIENT_API_EVENT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/http/request.h"
#include "homeserver/rooms/visibility.h"

/* The query of GET /events: what happened since `from` (a position), and how long to wait for it.
 */
struct event_stream {
    int64_t from;
    int64_t timeout_ms;
};
enum errcode event_stream_read(struct request *req, struct event_stream *out) MUST_CHECK;

/* Appends `{"start":…,"chunk":[…],"end":…}` with the visible events of these rooms in their order.
 */
enum errcode event_stream_write(struct request *req, const struct event_stream *stream,
                                const struct room_reader *readers, size_t count, struct strbuf *out,
                                bool *is_empty_out) MUST_CHECK;

#endif
