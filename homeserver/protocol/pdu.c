/*
 * The verification pipeline.
 * Spec: server-server API, "Checks performed on receipt of a PDU": the numbers in the comments.
 */
#include "homeserver/protocol/pdu.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_format.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"

/* An event with the bytes that are stored and sent, and those that are signed. */
struct pdu_body {
    const struct event *event;
    const char *bytes;
    size_t size;
    struct json_span signed_bytes; /* empty where the signatures have been looked at */
};

struct pdu_valid {
    struct pdu_body body;
};

struct pdu_signed {
    struct pdu_body body;
    bool was_redacted;
};

struct pdu_authorised {
    struct pdu_body body;
    enum pdu_outcome outcome;
    const char *refusal;
};

static enum errcode make_body(struct arena *arena, const struct room_version *version, json_t *json,
                              struct error *error, struct pdu_body *out)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    SCOPED(strbuf_finish) struct strbuf signed_bytes;

    strbuf_init(&bytes, EVENT_BYTES_MAX);
    strbuf_init(&signed_bytes, 0);
    const struct event_texts texts = {&bytes, &signed_bytes};
    TRY(event_parse_with_texts(arena, version, json, error, &texts, &out->event));
    out->bytes = arena_strndup(arena, bytes.data, bytes.length);
    out->size = bytes.length;
    out->signed_bytes = (struct json_span){
        .bytes = arena_strndup(arena, signed_bytes.data, signed_bytes.length),
        .size = signed_bytes.length,
    };
    return OK;
}

/* Without `unsigned`: what others put there is neither signed nor hashed. */
static json_t *without_unsigned(struct arena *arena, json_t *json)
{
    if (json_object_get(json, "unsigned") == NULL)
        return json;
    json_t *copy = json_copy(json);
    json_object_del(copy, "unsigned");
    return json_on_arena(arena, copy);
}

static enum errcode check_link_counts(const struct event *event, struct error *error)
{
    if (event->prev_event_count > PREV_EVENTS_MAX)
        return fail(error, M_BAD_JSON, "The event has more than %d previous events.",
                    PREV_EVENTS_MAX);
    if (event->auth_event_count > AUTH_EVENTS_MAX)
        return fail(error, M_BAD_JSON, "The event has more than %d auth events.", AUTH_EVENTS_MAX);
    return OK;
}

/* 1. Is a valid event, otherwise it is dropped. */
enum errcode pdu_validate(struct arena *arena, const struct pdu_raw *raw, struct error *error,
                          const struct pdu_valid **out)
{
    struct pdu_valid *pdu = ARENA_NEW(arena, struct pdu_valid);

    if (!json_is_object(raw->json))
        return fail(error, M_BAD_JSON, "An event must be a JSON object.");
    TRY(event_format_check_sealed(raw->json, error));
    TRY(make_body(arena, raw->version, without_unsigned(arena, raw->json), error, &pdu->body));
    if (!raw->is_history)
        TRY(check_link_counts(pdu->body.event, error));
    *out = pdu;
    return OK;
}

const struct event *pdu_valid_event(const struct pdu_valid *pdu)
{
    return pdu->body.event;
}

/* 2. Passes signature checks, otherwise it is dropped.
 * 3. Passes hash checks, otherwise it is redacted before being processed further. */
enum errcode pdu_verify(struct arena *arena, const struct pdu_valid *pdu, verify_key_lookup lookup,
                        void *context, struct error *error, const struct pdu_signed **out)
{
    const struct event *event = pdu->body.event;
    const struct json_span bytes = {pdu->body.bytes, pdu->body.size};
    struct pdu_signed *signed_pdu = ARENA_NEW(arena, struct pdu_signed);

    TRY(event_verify_signatures_of(event, pdu->body.signed_bytes, lookup, context, error));
    signed_pdu->body = pdu->body;
    if (!event_content_hash_matches_bytes(event->json, bytes)) {
        json_t *redacted = json_on_arena(arena, redaction_apply(event->version, event->json));
        TRY(make_body(arena, event->version, redacted, error, &signed_pdu->body));
        signed_pdu->was_redacted = true;
    }
    *out = signed_pdu;
    return OK;
}

enum errcode pdu_seal(struct arena *arena, const struct pdu_raw *raw,
                      const struct pdu_signer *signer, struct error *error,
                      const struct pdu_signed **out)
{
    struct pdu_signed *pdu = ARENA_NEW(arena, struct pdu_signed);
    json_t *json = json_on_arena(arena, json_copy(raw->json));

    json_object_del(json, "unsigned");
    TRY(event_seal(raw->version, json, signer->server_name, signer->key));
    TRY(make_body(arena, raw->version, json, error, &pdu->body));
    TRY(check_link_counts(pdu->body.event, error));
    *out = pdu;
    return OK;
}

const struct event *pdu_signed_event(const struct pdu_signed *pdu)
{
    return pdu->body.event;
}

bool pdu_signed_was_redacted(const struct pdu_signed *pdu)
{
    return pdu->was_redacted;
}

const char *pdu_signed_bytes(const struct pdu_signed *pdu, size_t *size_out)
{
    *size_out = pdu->body.size;
    return pdu->body.bytes;
}

static const char *const *copy_texts(struct arena *arena, const char *const *texts, size_t count)
{
    const char **copies = ARENA_ARRAY(arena, count, const char *);

    for (size_t i = 0; i < count; i++)
        copies[i] = arena_strdup(arena, texts[i]);
    return copies;
}

static json_t *share(struct arena *arena, json_t *json)
{
    return json_on_arena(arena, json_incref(json));
}

const struct pdu_signed *pdu_keep(struct arena *arena, const struct pdu_signed *pdu)
{
    const struct event *event = pdu->body.event;
    struct pdu_signed *kept = arena_memdup(arena, pdu, sizeof(*kept));
    struct event *copy = arena_memdup(arena, event, sizeof(*copy));
    bool is_read = strncmp(event->type, "m.room.", strlen("m.room.")) == 0;

    copy->event_id = arena_strdup(arena, event->event_id);
    copy->room_id = arena_strdup(arena, event->room_id);
    copy->type = arena_strdup(arena, event->type);
    copy->sender = arena_strdup(arena, event->sender);
    copy->state_key = event->state_key != NULL ? arena_strdup(arena, event->state_key) : NULL;
    copy->redacts = event->redacts != NULL ? arena_strdup(arena, event->redacts) : NULL;
    copy->prev_events = copy_texts(arena, event->prev_events, event->prev_event_count);
    copy->auth_events = copy_texts(arena, event->auth_events, event->auth_event_count);
    copy->content = is_read ? share(arena, event->content) : json_on_arena(arena, json_object());
    copy->json = strcmp(event->type, "m.room.create") == 0 ? share(arena, event->json) : NULL;
    kept->body.event = copy;
    kept->body.bytes = arena_strndup(arena, pdu->body.bytes, pdu->body.size);
    kept->body.signed_bytes = (struct json_span){0};
    return kept;
}

/* The state that the event's own auth events make. */
struct auth_event_list {
    const struct event *const *events;
    size_t count;
};

static const struct event *find_auth_event(void *context, const char *type, const char *state_key)
{
    const struct auth_event_list *list = context;

    for (size_t i = 0; i < list->count; i++) {
        if (event_is(list->events[i], type, state_key))
            return list->events[i];
    }
    return NULL;
}

static bool third_party_invite_is_signed(void *context, const struct event *member,
                                         const struct event *invite)
{
    (void)context;
    return event_third_party_invite_is_signed(member, invite);
}

static bool was_verified(void *context, const struct event *member)
{
    (void)context;
    (void)member;
    return true; /* pdu_verify() asked for the authorising server's signature too. */
}

static const struct auth_signatures signatures = {
    .third_party_invite = third_party_invite_is_signed,
    .authorising_server = was_verified,
};

/* 4. Passes authorisation rules based on the event's auth events, otherwise it is rejected. */
static bool passes_own_auth_events(const struct event *event, const struct pdu_context *context,
                                   const char **why)
{
    struct auth_event_list list = {context->auth_events, event->auth_event_count};
    const struct auth_state state = {.lookup = find_auth_event,
                                     .context = &list,
                                     .create = context->create,
                                     .signatures = &signatures};

    for (size_t i = 0; i < list.count; i++) {
        if (list.events[i] == NULL) {
            *why = "one of its auth events could not be found";
            return false;
        }
    }
    return auth_rules_check_auth_events(event, list.events, list.count, why) &&
           auth_rules_check(event, &state, why);
}

static bool passes(const struct event *event, const struct auth_state *state, const char **why)
{
    return state == NULL || auth_rules_check(event, state, why);
}

static enum pdu_outcome judge(const struct event *event, const struct pdu_context *context,
                              const char **why)
{
    /* 5. Passes authorisation rules based on the state before the event, otherwise it is rejected.
     */
    if (!passes_own_auth_events(event, context, why) || !passes(event, context->before, why))
        return PDU_REJECTED;
    /* 6. Passes authorisation rules based on the current state of the room, otherwise it is
     * soft-failed. 7. The same for the policy server's opinion. */
    if (!passes(event, context->current, why))
        return PDU_SOFT_FAILED;
    *why = context->policy_refusal;
    return context->policy_refusal != NULL ? PDU_SOFT_FAILED : PDU_ACCEPTED;
}

enum pdu_outcome pdu_judge_again(const struct event *event, const struct pdu_context *context,
                                 const char **why)
{
    return judge(event, context, why);
}

const struct pdu_authorised *pdu_authorise(struct arena *arena, const struct pdu_signed *signed_pdu,
                                           const struct pdu_context *context)
{
    struct pdu_authorised *pdu = ARENA_NEW(arena, struct pdu_authorised);

    pdu->body = signed_pdu->body;
    pdu->outcome = judge(pdu->body.event, context, &pdu->refusal);
    if (pdu->outcome == PDU_REJECTED) {
        struct event *event = arena_memdup(arena, pdu->body.event, sizeof(*event));
        event->rejected = true;
        pdu->body.event = event;
    }
    return pdu;
}

enum pdu_outcome pdu_outcome_of(const struct pdu_authorised *pdu)
{
    return pdu->outcome;
}

const char *pdu_refusal_of(const struct pdu_authorised *pdu)
{
    return pdu->refusal;
}

const struct event *pdu_event_of(const struct pdu_authorised *pdu)
{
    return pdu->body.event;
}

const char *pdu_bytes_of(const struct pdu_authorised *pdu, size_t *size_out)
{
    *size_out = pdu->body.size;
    return pdu->body.bytes;
}
