#ifndef FEDERATION_RECEIVER_POLICY_INTAKE_H
#define FEDERATION_RECEIVER_POLICY_INTAKE_H

#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"

/* The policy server's opinion of an event of another server: when the room uses one and it has not
 * signed, it is asked. `*pdu` is replaced by one with the signature; or `*refusal_out` says why
 * there is none, and the event is to be soft-failed. E_UNAVAILABLE when it does not answer, or is
 * too busy to: nobody has refused anything, and it is worth asking again. Spec: server-server API,
 * "Checks performed on receipt of a PDU" (7), "Validating Policy Server signatures". */
enum errcode policy_check_received(struct call *call, struct room *room,
                                   const struct pdu_signed **pdu,
                                   const char **refusal_out) MUST_CHECK;

#endif
