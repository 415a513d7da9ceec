#ifndef HOMESERVER_CLIENT_API_EVENT_PAGE_H
#define HOMESERVER_CLIENT_API_EVENT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/filter.h"
#include "homeserver/rooms/visibility.h"

/* A page of a room's timeline, as /messages answers it. */
struct event_page {
    bool backwards;
    int64_t from; /* position: see page_token_format() */
    int64_t to;
    int64_t limit;
    const struct event_filter *filter;
    bool has_more_elsewhere; /* other servers have events beyond those that are stored */
    bool over_gaps;          /* as of struct event_range */
};

/* The RoomEventFilter in the query parameter `filter`; lets all pass when there is none. */
enum errcode read_event_filter(struct request *req, const struct event_filter **out) MUST_CHECK;

enum errcode respond_event_page(struct request *req, const struct room_reader *reader,
                                const struct event_page *page) MUST_CHECK;

/* Appends the member events of the senders of these events: what a lazily loading client lacks. */
enum errcode write_sender_members(struct request *req, const struct room_reader *reader,
                                  const struct stored_event *events, size_t count,
                                  struct strbuf *out) MUST_CHECK;

/* Answers with what was written. */
enum errcode respond_written(struct request *req, struct strbuf *body);

#endif
