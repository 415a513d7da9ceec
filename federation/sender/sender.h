#ifndef FEDERATION_SENDER_SENDER_H
#define FEDERATION_SENDER_SENDER_H

#include <stdint.h>

struct federation_sender;
struct journal_change;
struct services;

/*
 * Brings to other servers what concerns them: events, receipts, presence, typing, messages to
 * devices, changes of devices. One thread reads the journal and asks for answers without waiting
 * for them; each server has one transaction under way at most. A server that is down costs nobody
 * else anything, and gets everything, in order, when it is back.
 *
 * Of several processes on one database one sends; another takes over when it dies.
 * Spec: server-server API, "Transactions".
 */

/* `services` must outlive it. The journal must be running. */
struct federation_sender *federation_sender_create(const struct services *services,
                                                   const char *conninfo);
/* The HTTP client must have been stopped, the journal must still run. Both may be called with NULL.
 */
void federation_sender_stop(struct federation_sender *sender);
/* Nobody may call it any more. */
void federation_sender_destroy(struct federation_sender *sender);

/* For the journal's listener and for typing: never block. */
void federation_sender_on_change(void *sender, const struct journal_change *change);
void federation_sender_on_typing(struct federation_sender *sender, int64_t room_nid);

/* That server has sent us a request, so it is there: what waits for it is tried at once. */
void federation_sender_peer_spoke(struct federation_sender *sender, const char *server_name);

#endif
