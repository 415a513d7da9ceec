#ifndef HOMESERVER_APPSERVICE_DELIVERY_H
#define HOMESERVER_APPSERVICE_DELIVERY_H

#include <stdint.h>

/*
 * Tells application services what concerns them: follows the journal, fills their queues
 * (storage/appservices.h) and sends each its transactions, one after the other, repeated until they
 * are accepted. One thread and one connection; no application service waits for another. Of several
 * nodes one delivers, and when it goes another goes on.
 * Spec: application service API, "Pushing events".
 */
struct services;
struct journal_change;
struct appservice_delivery;

/* Create before the journal, which tells it of changes; start after it; stop before it goes, and
 * destroy when nobody tells anything any more. Stop the HTTP client before: requests under way then
 * end. Stop and destroy allow NULL. */
struct appservice_delivery *appservice_delivery_create(const struct services *services,
                                                       const char *conninfo);
void appservice_delivery_start(struct appservice_delivery *delivery);
void appservice_delivery_stop(struct appservice_delivery *delivery);
void appservice_delivery_destroy(struct appservice_delivery *delivery);

/* For journal_add_listener(); the context is the delivery. */
void appservice_delivery_on_change(void *delivery, const struct journal_change *change);

/* Who types in the room changed. From any thread. */
void appservice_delivery_on_typing(struct appservice_delivery *delivery, int64_t room_nid);

/* The set of application services changed. */
void appservice_delivery_wake(struct appservice_delivery *delivery);

/* The application service shows signs of life: what failed is tried again now. */
void appservice_delivery_retry(struct appservice_delivery *delivery, const char *appservice_id);

#endif
