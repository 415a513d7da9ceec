/* Taking in transactions. */
#include "federation/receiver/transaction.h"

#include <string.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/client/federation_metrics.h"
#include "federation/receiver/edus.h"
#include "federation/receiver/receiver.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/services.h"
#include "storage/federation_inbox.h"

struct intake {
    struct call *call;
    const struct transaction *transaction;
    json_t *results; /* event ID -> result */
    struct inbox_pdu *pdus;
    size_t count;
};

/* Whether the server may send into this room, and its user at all. */
static enum errcode check_access(struct intake *intake, struct room *room,
                                 const struct event *event, const char **why_out)
{
    struct call *call = intake->call;
    const struct config *config = config_current(call->services->config);
    const char *domain = identifier_domain(event->sender);
    struct room_head *head;
    bool allowed;

    *why_out = NULL;
    if (domain == NULL ||
        (!config_hosts(config, domain) && !federation_allows(config, domain, why_out))) {
        federation_count(FEDERATION_EVENT_NOT_ALLOWED, 1);
        *why_out = "this server does not take events of its sender's server";
        return OK;
    }
    TRY(room_committed_head(call, room, &head));
    if (head->create == NULL)
        return OK; /* we are not in it: only invites can be followed */
    TRY(server_acl_check(call, room, head, intake->transaction->origin, &allowed));
    if (!allowed)
        *why_out = "the room's access control list forbids it to your server";
    return OK;
}

static void note(struct intake *intake, const char *event_id, const char *why)
{
    json_object_set_new(intake->results, event_id,
                        why != NULL ? json_pack("{ss}", "error", why) : json_object());
}

static enum errcode keep(struct intake *intake, const struct event *event, json_t *json)
{
    const char *text = json_compact(intake->call->arena, json);

    if (text == NULL)
        return E_SYSTEM;
    intake->pdus[intake->count++] =
        (struct inbox_pdu){.room_id = event->room_id, .json = text, .json_size = strlen(text)};
    return OK;
}

/* Spec: a PDU that is no event, or of a room we do not know, is dropped; the others are taken. */
static enum errcode take_pdu(struct intake *intake, json_t *json)
{
    struct call *call = intake->call;
    const char *id = json_get_string(json, "room_id"), *why;
    struct error error = {0};
    const struct pdu_valid *valid;
    struct room *room;

    enum errcode opened = id != NULL ? room_open(call, id, &room) : M_NOT_FOUND;
    if (opened == M_NOT_FOUND) {
        error_clear(call->error);
        log_debug(LOG_FEDERATION, "An event of %s is for no room of ours.",
                  intake->transaction->origin);
        return OK;
    }
    TRY(opened);
    const struct pdu_raw raw = {.version = room_version_of(room), .json = json};
    if (pdu_validate(call->arena, &raw, &error, &valid) != OK) {
        const char *event_id = json_get_string(json, "event_id");
        note(intake, event_id != NULL ? event_id : "?", error.text);
        return OK;
    }
    const struct event *event = pdu_valid_event(valid);
    TRY(check_access(intake, room, event, &why));
    note(intake, event->event_id, why);
    return why == NULL ? keep(intake, event, json) : OK;
}

static enum errcode check_shape(struct call *call, json_t *body)
{
    json_t *pdus = json_object_get(body, "pdus"), *edus = json_object_get(body, "edus");

    if (!json_is_array(pdus) || (edus != NULL && !json_is_array(edus)))
        return fail(call->error, M_BAD_JSON, "A transaction has lists of `pdus` and `edus`.");
    if (json_array_size(pdus) > TRANSACTION_PDUS_MAX ||
        json_array_size(edus) > TRANSACTION_EDUS_MAX)
        return fail(call->error, M_BAD_JSON, "A transaction has at most %d events and %d EDUs.",
                    TRANSACTION_PDUS_MAX, TRANSACTION_EDUS_MAX);
    return OK;
}

static enum errcode write_answer(struct intake *intake, const char **out)
{
    json_t *answer = json_on_arena(intake->call->arena, json_pack("{sO}", "pdus", intake->results));
    const char *text = json_compact(intake->call->arena, answer);

    if (text == NULL)
        return E_SYSTEM;
    *out = text;
    return OK;
}

static enum errcode enqueue(struct intake *intake, const char **answer_out)
{
    struct call *call = intake->call;
    const struct transaction *transaction = intake->transaction;

    TRY(write_answer(intake, answer_out));
    const struct inbox_transaction stored = {
        .origin = transaction->origin,
        .txn_id = transaction->txn_id,
        .answer = *answer_out,
        .received_ts = clock_wall_ms(),
        .pdus = intake->pdus,
        .count = intake->count,
    };
    enum errcode added = inbox_add(call->db, &stored);
    if (added == E_CONFLICT) /* the same one arrived twice at once */
        return inbox_find_answer(call->db, call->arena, transaction->origin, transaction->txn_id,
                                 answer_out);
    TRY(added);
    federation_count(FEDERATION_TRANSACTION_IN_TAKEN, 1);
    federation_count(FEDERATION_EVENT_IN, intake->count);
    federation_count(FEDERATION_EDU_IN,
                     json_array_size(json_object_get(transaction->body, "edus")));
    for (size_t i = 0; i < intake->count; i++)
        federation_receiver_wake(call->services->receiver, intake->pdus[i].room_id);
    return OK;
}

enum errcode transaction_receive(struct call *call, const struct transaction *transaction,
                                 const char **answer_out)
{
    struct intake intake = {.call = call, .transaction = transaction};
    json_t *pdu;
    size_t i;

    TRY(inbox_find_answer(call->db, call->arena, transaction->origin, transaction->txn_id,
                          answer_out));
    if (*answer_out != NULL) {
        federation_count(FEDERATION_TRANSACTION_IN_REPEATED, 1);
        return OK;
    }
    TRY(check_shape(call, transaction->body));
    json_t *pdus = json_object_get(transaction->body, "pdus");
    intake.results = json_on_arena(call->arena, json_object());
    intake.pdus = ARENA_ARRAY(call->arena, json_array_size(pdus), struct inbox_pdu);
    json_array_foreach (pdus, i, pdu)
        TRY(take_pdu(&intake, pdu));
    TRY(edus_receive(call, transaction->origin, json_object_get(transaction->body, "edus")));
    return enqueue(&intake, answer_out);
}
