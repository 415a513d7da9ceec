#ifndef HOMESERVER_PUSH_IGNORED_USERS_H
#define HOMESERVER_PUSH_IGNORED_USERS_H

#include <jansson.h>
#include <stdint.h>

struct call;
struct journal_entry;

/* Adds to the journal entry that sets the account data m.ignored_user_list: events of ignored users
 * notify nobody who ignores them. `content` is that of the account data.
 * Spec: client-server API, "Ignoring Users". */
void ignored_users_set_in(struct call *call, struct journal_entry *entry, int64_t user_nid,
                          json_t *content);

#endif
