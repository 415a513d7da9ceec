#ifndef HOMESERVER_ROOMS_IGNORED_SENDERS_H
#define HOMESERVER_ROOMS_IGNORED_SENDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "storage/nids.h"

/* The user_nids of those whom a user ignores (m.ignored_user_list), as far as they were ever seen
 * here; borrowed from the call. Spec: client-server API, "Ignoring Users". */
enum errcode ignored_senders_load(struct call *call, int64_t user_nid,
                                  struct nid_list *out) MUST_CHECK;

bool ignored_senders_have(const struct nid_list *ignored, int64_t sender_nid);

#endif
