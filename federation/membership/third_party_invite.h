#ifndef FEDERATION_MEMBERSHIP_THIRD_PARTY_INVITE_H
#define FEDERATION_MEMBERSHIP_THIRD_PARTY_INVITE_H

#include "homeserver/accounts/requester.h"
#include "homeserver/identity/identity_server.h"

/*
 * Invites to addresses: the promise in the room (m.room.third_party_invite), and what it becomes
 * when somebody proves to have the address. All block on other servers.
 * Spec: client-server API, "Third-party invites"; server-server API, the same.
 */
struct invite_by_address {
    const struct requester *requester;
    const char *room_id;
    struct identity_server server;
    struct identity_address address; /* e-mail in canonical form */
};

/* Who has the address is told in `*user_id_out`: to be invited like everybody else. When nobody has
 * it, that is NULL and the room has the promise. M_FORBIDDEN when the requester may not invite,
 * before the identity server hears of anything. */
enum errcode third_party_invite_send(struct call *call, const struct invite_by_address *invite,
                                     const char **user_id_out) MUST_CHECK;

/* What an identity server signed: that `mxid` has the address of the promise `token`. */
struct third_party_proof {
    const char *sender; /* who had promised */
    const char *mxid;
    const char *token;
    json_t *signatures;       /* an object */
    const char *display_name; /* or NULL: taken from the promise */
};

/* Reads `{mxid, token, signatures}` and, when `sender` is NULL, the `sender` in it. M_BAD_JSON. */
enum errcode third_party_proof_read(struct call *call, const json_t *signed_object,
                                    const char *sender, struct third_party_proof *out) MUST_CHECK;

/* Turns the promise of a hosted user into an invite, when the proof and its key hold; the invited
 * user's server is asked as for any invite. M_FORBIDDEN when they do not. For who receives PUT
 * exchange_third_party_invite. Committed with the call. */
enum errcode third_party_invite_accept(struct call *call, const char *room_id,
                                       const struct third_party_proof *proof) MUST_CHECK;

/* The same wherever the sender is: another server is asked to (PUT exchange_third_party_invite),
 * and its invite comes in like any other, before this returns. For who joins with a proof, and for
 * each invite of PUT 3pid/onbind. `proof->mxid` must be hosted here. */
enum errcode third_party_invite_redeem(struct call *call, const char *room_id,
                                       const struct third_party_proof *proof) MUST_CHECK;

#endif
