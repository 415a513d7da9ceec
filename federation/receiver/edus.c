/* What other servers tell beside events. */
#include "federation/receiver/edus.h"

#include <string.h>

#include "config/config.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/encryption/remote_device_lists.h"
#include "homeserver/encryption/to_device.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/presence.h"
#include "storage/receipts.h"
#include "storage/to_device.h"
#include "storage/users.h"

/* Receipts and presences of one transaction, of all its EDUs. */
enum { STATEMENTS_MAX = 1000 };

struct edu_intake {
    struct call *call;
    const char *origin;
    struct edu_source source;
    size_t *statements; /* taken in so far */
};

/* The room, when the user is in it and the server may speak there; NULL otherwise. */
static enum errcode find_room(struct edu_intake *intake, const char *id, const char *user_id,
                              struct room **out)
{
    struct call *call = intake->call;
    struct room_head *head;
    const char *membership;
    struct room *room;
    bool allowed;

    *out = NULL;
    enum errcode opened = room_open(call, id, &room);
    if (opened == OK)
        opened = room_committed_head(call, room, &head);
    if (opened == M_NOT_FOUND)
        return OK;
    TRY(opened);
    TRY(server_acl_check(call, room, head, intake->origin, &allowed));
    TRY(room_head_membership(call, room, head, user_id, &membership));
    bool is_there = membership != NULL && strcmp(membership, "join") == 0;
    if (membership == NULL && head->is_partial)
        TRY(server_is_told_of(call, room, intake->origin, &is_there));
    if (allowed && is_there)
        *out = room;
    return OK;
}

static enum errcode receive_typing(struct edu_intake *intake, json_t *content)
{
    struct typing_edu typing;
    struct room *room;

    TRY(edu_parse_typing(content, &intake->source, &typing));
    TRY(find_room(intake, typing.room_id, typing.user_id, &room));
    if (room != NULL)
        typing_set(intake->call->services->typing, room_nid(room), typing.user_id,
                   typing.is_typing ? TYPING_TIMEOUT_DEFAULT_MS : 0, clock_monotonic_ms());
    return OK;
}

static enum errcode receive_receipt(struct edu_intake *intake, const struct receipt_edu *edu)
{
    struct call *call = intake->call;
    struct receipt receipt = {
        .type = RECEIPT_READ,
        .thread = edu->thread_id != NULL ? edu->thread_id : RECEIPT_UNTHREADED,
        .event_id = edu->event_id,
        .ts = edu->ts,
    };
    struct stored_event event;
    struct room *room;

    TRY(find_room(intake, edu->room_id, edu->user_id, &room));
    if (room == NULL)
        return OK;
    receipt.room_nid = room_nid(room);
    enum errcode found = event_load_by_id(call->db, call->arena, edu->event_id, &event);
    if (found != OK && found != M_NOT_FOUND)
        return found;
    if (found == OK && event.room_nid != receipt.room_nid)
        return OK;
    receipt.event_position = found == OK ? event.position : 0;
    TRY(user_nid_intern(call->db, call->arena, edu->user_id, &receipt.user_nid));
    struct journal_entry *entry = journal_entry_create();
    receipt_set_in(entry, &receipt);
    journal_entry_wake_room(entry, receipt.room_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

static enum errcode receive_receipts(struct edu_intake *intake, json_t *content)
{
    const struct receipt_edu *receipts;
    size_t count;

    TRY(edu_parse_receipts(intake->call->arena, content, &intake->source, &receipts, &count));
    for (size_t i = 0; i < count && (*intake->statements)++ < STATEMENTS_MAX; i++)
        TRY(receive_receipt(intake, &receipts[i]));
    return OK;
}

static enum errcode receive_one_presence(struct edu_intake *intake, const struct presence_edu *edu)
{
    struct call *call = intake->call;
    struct presence_row row = {
        .status_msg = edu->status_msg,
        .last_active_ts = clock_wall_ms() - edu->last_active_ago,
        .currently_active = edu->is_currently_active,
    };

    /* Of people whom nobody here has met nothing is kept. */
    enum errcode found = user_nid_find(call->db, call->arena, edu->user_id, &row.user_nid);
    if (found == M_NOT_FOUND || !presence_state_parse(edu->presence, &row.state))
        return OK;
    TRY(found);
    return presence_receive(call, &row);
}

static enum errcode receive_presence(struct edu_intake *intake, json_t *content)
{
    const struct presence_edu *users;
    size_t count;

    if (!config_current(intake->call->services->config)->presence_enabled)
        return OK;
    TRY(edu_parse_presence(intake->call->arena, content, &intake->source, &users, &count));
    for (size_t i = 0; i < count && (*intake->statements)++ < STATEMENTS_MAX; i++)
        TRY(receive_one_presence(intake, &users[i]));
    return OK;
}

static enum errcode receive_to_device(struct edu_intake *intake, json_t *content)
{
    struct call *call = intake->call;
    struct direct_to_device_edu message;
    struct to_device_draft draft = {0};
    struct to_device_transaction transaction = {.device_id = ""};
    bool is_known;

    TRY(edu_parse_direct_to_device(content, &intake->source, &message));
    TRY(user_nid_intern(call->db, call->arena, message.sender, &draft.sender_nid));
    draft.type = message.type;
    draft.messages = message.messages;
    transaction.user_nid = draft.sender_nid;
    transaction.txn_key = message.message_id;
    draft.transaction = &transaction;
    TRY(to_device_transaction_find(call->db, call->arena, &transaction, &is_known));
    return is_known ? OK : to_device_send(call, &draft);
}

static enum errcode receive_device_list_update(struct edu_intake *intake, json_t *content)
{
    struct device_list_update_edu update;

    TRY(edu_parse_device_list_update(intake->call->arena, content, &intake->source, &update));
    return remote_device_list_updated(intake->call, &update);
}

static enum errcode receive_signing_key_update(struct edu_intake *intake, json_t *content)
{
    struct signing_key_update_edu update;

    TRY(edu_parse_signing_key_update(content, &intake->source, &update));
    return remote_signing_keys_updated(intake->call, &update);
}

typedef enum errcode (*receive_fn)(struct edu_intake *intake, json_t *content);

static const receive_fn receivers[] = {
    [EDU_UNKNOWN] = NULL,
    [EDU_TYPING] = receive_typing,
    [EDU_PRESENCE] = receive_presence,
    [EDU_RECEIPT] = receive_receipts,
    [EDU_DIRECT_TO_DEVICE] = receive_to_device,
    [EDU_DEVICE_LIST_UPDATE] = receive_device_list_update,
    [EDU_SIGNING_KEY_UPDATE] = receive_signing_key_update,
};

static enum errcode receive_edu(struct edu_intake *intake, const json_t *edu)
{
    enum edu_type type;
    json_t *content;

    TRY(edu_parse(edu, intake->source.error, &type, &content));
    return receivers[type] != NULL ? receivers[type](intake, content) : OK;
}

enum errcode edus_receive(struct call *call, const char *origin, json_t *edus)
{
    const json_t *edu;
    size_t i, statements = 0;

    json_array_foreach (edus, i, edu) {
        struct error why = {0};
        struct call own = *call;
        own.error = &why;
        struct edu_intake intake = {&own, origin, {.origin = origin, .error = &why}, &statements};
        enum errcode outcome = receive_edu(&intake, edu);
        if (errcode_is_internal(outcome))
            return fail(call->error, outcome, "%s", why.text);
        if (outcome != OK)
            log_info(LOG_FEDERATION, "An EDU of %s was left out: %s", origin, why.text);
    }
    return OK;
}
