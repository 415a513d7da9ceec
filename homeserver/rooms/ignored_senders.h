#ifndef HOMESERVER_ROOMS_IGNORED_SENDERS_H
#define HOMESERVER_ROOMS_IGNORED_SENDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "storage/events.h"
#include "storage/nids.h"

/* The user_nids of those whom a user ignores (m.ignored_user_list), as far as they were ever seen
 * here; borrowed from the call. Spec: client-server API, "Ignoring Users". */
enum errcode ignored_senders_load(struct call *call, int64_t user_nid,
                                  struct nid_list *out) MUST_CHECK;

/* Moves the events that are shown nevertheless to the front: state, and those of other senders. */
void ignored_senders_filter(const struct nid_list *ignored, struct stored_event *events,
                            size_t *count);

/* Both in one. */
enum errcode ignored_senders_drop(struct call *call, int64_t user_nid, struct stored_event *events,
                                  size_t *count) MUST_CHECK;

bool ignored_senders_have(const struct nid_list *ignored, int64_t sender_nid);

#endif
