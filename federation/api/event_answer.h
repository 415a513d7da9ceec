#ifndef FEDERATION_API_EVENT_ANSWER_H
#define FEDERATION_API_EVENT_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/state_map.h"
#include "storage/events.h"
#include "storage/nids.h"

/* Answers that consist of stored events, spliced from their bytes (I2). */

/* `[…]` of these events. */
enum errcode answer_add_events(struct request *req, struct strbuf *out,
                               struct nid_list nids) MUST_CHECK;
/* `[…]` of their IDs. */
enum errcode answer_add_event_ids(struct request *req, struct strbuf *out,
                                  struct nid_list nids) MUST_CHECK;

/* The same for events that are loaded. */
void answer_add_stored(struct strbuf *out, const struct stored_event *events, size_t count);

/* The numbers of all events of a state; on the request's arena. */
struct nid_list state_event_nids(struct request *req, const struct state_map *state);

/* Takes the buffer's text as a JSON answer. */
enum errcode respond_buffer(struct request *req, struct strbuf *buffer) MUST_CHECK;

#endif
