#ifndef HOMESERVER_ACCOUNTS_LOGIN_THROTTLE_H
#define HOMESERVER_ACCOUNTS_LOGIN_THROTTLE_H

#include "homeserver/base/error.h"

struct call;

/*
 * Slows down who guesses passwords: failures are counted per address (IPv6: per /64) at the
 * configured login rate, and per account at a tenth of it, with the same burst. While either has
 * failed too often even the right password is refused, so that a guesser learns nothing; sessions
 * that exist are not touched.
 *
 * In memory and per process: a guesser gains a factor of the number of nodes at most, and a flood
 * of guesses writes nothing to the database.
 */
struct login_throttle;

struct login_throttle *login_throttle_create(void);
void login_throttle_destroy(struct login_throttle *throttle);

/* M_LIMIT_EXCEEDED with retry_after_ms. The account need not exist. */
enum errcode login_throttle_check(struct call *call, const char *user_id,
                                  const char *address) MUST_CHECK;
void login_throttle_note_failure(struct call *call, const char *user_id, const char *address);

#endif
