#ifndef STORAGE_AUTH_EDGES_H
#define STORAGE_AUTH_EDGES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* The auth graph of state events as an index: chains and references without reading bodies. */

/* Adds to the journal entry of a state event. */
void auth_edges_add_in(struct journal_entry *entry, int64_t event_nid, struct nid_list auth_nids);

/* The same for many events: edge i leads from from_nids.items[i] to auth_nids[i]. */
void auth_edges_add_many_in(struct journal_entry *entry, struct nid_list from_nids,
                            const int64_t *auth_nids);

/* Everything in the auth chains of these events, each once, in no particular order: of themselves
 * those that others name. */
enum errcode auth_chain_load(struct db *db, struct arena *arena, struct nid_list nids,
                             struct nid_list *out) MUST_CHECK;

/* The state events that name this one among their auth events. */
enum errcode auth_edges_citing(struct db *db, struct arena *arena, int64_t auth_nid,
                               struct nid_list *out) MUST_CHECK;

#endif
