#ifndef HOMESERVER_JOBS_EMAIL_PUSHER_H
#define HOMESERVER_JOBS_EMAIL_PUSHER_H

#include <stdint.h>

#include "homeserver/call.h"

/*
 * Notifications by e-mail, for users who have a pusher of that kind: a mail tells what is still
 * unread some time after it came, all of it at once, and the next one comes at the earliest an hour
 * later (`mail.notification_…`). Queue and times are in the database, so a restart changes nothing;
 * a crash between the mail server's word and ours repeats one mail.
 * Spec: client-server API, "Push Notifications" (kind email).
 */

/* A thread of its own with a connection of its own: a mail server that does not answer keeps nobody
 * else waiting. Of several nodes one sends. Start it after the journal; destroying allows NULL. */
struct services;
struct email_pusher;
struct email_pusher *email_pusher_create(const struct services *services, const char *conninfo);
void email_pusher_start(struct email_pusher *pusher);
/* Waits for the mail that is being sent, half a minute at most. */
void email_pusher_destroy(struct email_pusher *pusher);

/* From the link in a mail; `pusher` and `token` are its parameters. M_NOT_FOUND when it is not
 * ours, or the pusher is gone. Looks only unless `ends`. */
enum errcode email_pusher_unsubscribe(struct call *call, const char *pusher, const char *token,
                                      bool ends) MUST_CHECK;

#endif
