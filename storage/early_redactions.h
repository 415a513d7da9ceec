#ifndef STORAGE_EARLY_REDACTIONS_H
#define STORAGE_EARLY_REDACTIONS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* Redactions that came before what they redact. */

/* Adds to the journal entry of the redaction. */
void early_redaction_add_in(struct journal_entry *entry, int64_t room_nid, const char *target_id,
                            int64_t redaction_nid);

/* The redactions that wait for this event, the oldest first; at most 20. */
enum errcode early_redactions_find(struct db *db, struct arena *arena, int64_t room_nid,
                                   const char *target_id, struct nid_list *out) MUST_CHECK;

#endif
