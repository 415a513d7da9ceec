#ifndef HOMESERVER_PUSH_PUSH_NOTIFIER_H
#define HOMESERVER_PUSH_PUSH_NOTIFIER_H

/*
 * Tells push gateways what users are to be notified of: follows the journal, fills the queues of
 * pushers (storage/push_queue.h), and works through them: one request at a time and in order for
 * each pusher, many pushers at once, a bounded number for each gateway. A notification leaves its
 * queue when the gateway accepted it; only a crash between these two repeats it. One thread and one
 * connection; of several nodes one pushes, and when it goes another goes on.
 * Spec: client-server API, "Push Notifications"; push gateway API.
 */
struct services;
struct journal_change;
struct push_notifier;

/* Create before the journal, which tells it of changes; start after it; stop before it goes, and
 * destroy when nobody tells anything any more. Stop the HTTP client before: requests under way then
 * end. Stop and destroy allow NULL. */
struct push_notifier *push_notifier_create(const struct services *services, const char *conninfo);
void push_notifier_start(struct push_notifier *notifier);
void push_notifier_stop(struct push_notifier *notifier);
void push_notifier_destroy(struct push_notifier *notifier);

/* For journal_add_listener(); the context is the notifier. */
void push_notifier_on_change(void *notifier, const struct journal_change *change);

#endif
