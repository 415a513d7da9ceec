#ifndef HOMESERVER_PUSH_USER_PUSH_RULES_H
#define HOMESERVER_PUSH_USER_PUSH_RULES_H

#include <jansson.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/push_rules.h"
#include "storage/position_range.h"

/*
 * The push rules of a user, from the database and back. Clients see every change as the account
 * data m.push_rules. Spec: client-server API, "Push rules".
 */
struct user_push_rules {
    struct push_rules *rules; /* on the call's arena */
    int64_t position;         /* of the last change; 0: never changed */
};

enum errcode user_push_rules_load(struct call *call, int64_t user_nid,
                                  struct user_push_rules *out) MUST_CHECK;

/* Writes the rules and wakes the user. E_CONFLICT at the commit when somebody else changed them
 * since they were loaded; M_TOO_LARGE. */
enum errcode user_push_rules_save(struct call *call, int64_t user_nid,
                                  const struct user_push_rules *rules) MUST_CHECK;

/* The content of m.push_rules: `{"global": …}`. A new reference. */
json_t *user_push_rules_content(const struct user_push_rules *rules, const char *user_id);

/* For sync: the content as JSON text on the arena, or NULL when it did not change in the range.
 * since 0 always gives it. */
struct requester;
enum errcode user_push_rules_changed(struct call *call, const struct requester *requester,
                                     struct position_range range,
                                     const char **content_out) MUST_CHECK;

/* A room was upgraded: local users' rules about the old room are copied to the new one. */
enum errcode user_push_rules_follow_upgrade(struct call *call, const char *old_room_id,
                                            const char *new_room_id) MUST_CHECK;
/* The same for one user, who came into the new room. */
enum errcode user_push_rules_follow_user(struct call *call, int64_t user_nid,
                                         const char *old_room_id,
                                         const char *new_room_id) MUST_CHECK;

#endif
