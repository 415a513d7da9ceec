#ifndef HOMESERVER_PROTOCOL_PDU_H
#define HOMESERVER_PROTOCOL_PDU_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/event_signature.h"

struct arena;
struct auth_state;
struct event;
struct room_version;
struct signing_key;

/*
 * The one way from JSON that somebody sent to an event that may be stored. Each step has its own
 * type, and only the step before can make it: storing an unchecked event does not compile.
 *
 *     pdu_raw --pdu_validate--> pdu_valid --pdu_verify--> pdu_signed --pdu_authorise-->
 * pdu_authorised
 *
 * A step that fails means: drop this event, alone, with the reason in `error`.
 * Everything is immutable and lives on the arena given to its step.
 * Spec: server-server API, "Checks performed on receipt of a PDU".
 */
struct pdu_raw {
    const struct room_version *version;
    json_t *json; /* borrowed; a stray `unsigned` in it goes no further */
    /* From /backfill and the like: events from before the limits on the number of links. */
    bool is_history;
};

struct pdu_valid;
struct pdu_signed;
struct pdu_authorised;

/* Check 1: format, sizes. M_BAD_JSON or M_TOO_LARGE. */
enum errcode pdu_validate(struct arena *arena, const struct pdu_raw *raw, struct error *error,
                          const struct pdu_valid **out) MUST_CHECK;

/* For finding out which keys and which neighbours are needed. */
const struct event *pdu_valid_event(const struct pdu_valid *pdu);

/* Checks 2 and 3: signatures (errors as event_verify_signatures), then the content hash: when that
 * does not match, the event goes on in its redacted form. */
enum errcode pdu_verify(struct arena *arena, const struct pdu_valid *pdu, verify_key_lookup lookup,
                        void *context, struct error *error,
                        const struct pdu_signed **out) MUST_CHECK;

/* The way in for our own events: hashes and signs a copy of the JSON instead of verifying it. */
struct pdu_signer {
    const char *server_name;
    const struct signing_key *key;
};
enum errcode pdu_seal(struct arena *arena, const struct pdu_raw *raw,
                      const struct pdu_signer *signer, struct error *error,
                      const struct pdu_signed **out) MUST_CHECK;

const struct event *pdu_signed_event(const struct pdu_signed *pdu);
bool pdu_signed_was_redacted(const struct pdu_signed *pdu);
/* The exact canonical bytes, in federation form without `unsigned`, for those who must send the
 * event before it is stored (joins, invites). */
const char *pdu_signed_bytes(const struct pdu_signed *pdu, size_t *size_out);

/*
 * A copy for those who hold many until all are judged: on `arena` alone, with the bytes, and of the
 * JSON only what the auth rules and those who follow the state may ask for: the content of m.room.*
 * events is shared, that of others is empty, and `json` is NULL but for create events.
 */
const struct pdu_signed *pdu_keep(struct arena *arena, const struct pdu_signed *pdu);

/* What an event is judged by. */
struct pdu_context {
    /* One for each of event->auth_events, in that order; NULL where it could not be found. */
    const struct event *const *auth_events;
    const struct event *create;       /* v12: the room's create event; otherwise may be NULL */
    const struct auth_state *before;  /* state before the event; NULL: not known (an outlier) */
    const struct auth_state *current; /* the room's state now; NULL: not judged (history) */
    const char *policy_refusal;       /* why the policy server did not sign; NULL: no objection */
};

enum pdu_outcome {
    PDU_ACCEPTED,
    /* Stored and counted in state resolution, but not shown and not built upon. */
    PDU_SOFT_FAILED,
    /* Stored because others refer to it; changes no state, is never shown. */
    PDU_REJECTED,
};

/* Checks 4 to 7. Never fails: the verdict is part of the result. `signed_pdu` must live as long as
 * the arena. */
const struct pdu_authorised *pdu_authorise(struct arena *arena, const struct pdu_signed *signed_pdu,
                                           const struct pdu_context *context);

/* The same for an event that is stored and went all the way before, when more is known of the room.
 * `*why` as pdu_refusal_of(). */
enum pdu_outcome pdu_judge_again(const struct event *event, const struct pdu_context *context,
                                 const char **why);

enum pdu_outcome pdu_outcome_of(const struct pdu_authorised *pdu);
/* A fragment for the log; NULL when accepted. */
const char *pdu_refusal_of(const struct pdu_authorised *pdu);
/* With `rejected` set when it was. */
const struct event *pdu_event_of(const struct pdu_authorised *pdu);
const char *pdu_bytes_of(const struct pdu_authorised *pdu, size_t *size_out);

#endif
