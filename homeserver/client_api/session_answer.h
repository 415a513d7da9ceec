#ifndef HOMESERVER_CLIENT_API_SESSION_ANSWER_H
#define HOMESERVER_CLIENT_API_SESSION_ANSWER_H

#include "homeserver/base/error.h"

struct request;
struct session;

/* The answer to a successful login or registration. `session` NULL: registered without logging in.
 * Answers 200. */
enum errcode session_answer(struct request *req, const char *user_id,
                            const struct session *session);

/* Members of the body that describe the device of a new session; see accounts/sessions.h. */
struct session_draft;
enum errcode session_draft_read(struct request *req, struct session_draft *out) MUST_CHECK;

#endif
