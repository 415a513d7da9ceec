/* Invites from other servers. */
#include "federation/receiver/invite_intake.h"

#include <string.h>

#include "config/config.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/invite_permission.h"
#include "homeserver/rooms/stripped_state.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/rooms.h"
#include "storage/users.h"

enum { STRIPPED_BYTES_MAX = 256 * 1024 };

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static enum errcode check_event(struct call *call, const struct remote_invite *invite,
                                const struct event *event)
{
    const struct config *config = config_current(call->services->config);

    if (strcmp(event->event_id, invite->event_id) != 0)
        return fail(call->error, M_BAD_JSON, "The event has another ID than the path.");
    if (strcmp(event->type, "m.room.member") != 0 || !is(event_membership(event), "invite"))
        return fail(call->error, M_BAD_JSON, "The event is not an invite.");
    if (!is(identifier_domain(event->sender), invite->origin))
        return fail(call->error, M_FORBIDDEN, "The inviting user is not one of your server.");
    if (event->state_key == NULL || !user_id_is_valid(event->state_key) ||
        !config_hosts_user(config, event->state_key))
        return fail(call->error, M_INVALID_PARAM, "The invited user is not one of this server.");
    return OK;
}

/* M_NOT_FOUND when nobody here is called so. */
static enum errcode find_user(struct call *call, const char *user_id, int64_t *nid_out)
{
    const struct account *account;

    enum errcode found = account_load(call->db, call->arena, user_id, &account);
    if (found == M_NOT_FOUND)
        return fail(call->error, M_NOT_FOUND, "There is no user %s.", user_id);
    TRY(found);
    *nid_out = account->user_nid;
    return OK;
}

/* What the invite shows goes to clients. */
static enum errcode stripped_text(struct call *call, const struct remote_invite *invite,
                                  const struct event *event, const char **out)
{
    json_t *clean = stripped_state_clean(call->arena, invite->stripped_state);

    json_array_append_new(clean, dated_event(event));
    const char *text = json_compact(call->arena, clean);
    if (text == NULL)
        return E_SYSTEM;
    if (strlen(text) > STRIPPED_BYTES_MAX)
        return fail(call->error, M_TOO_LARGE, "invite_room_state is too large.");
    *out = text;
    return OK;
}

/* The room as far as we know it: a name, so that the invite has something to hang on. */
static enum errcode obtain_room(struct call *call, const struct remote_invite *invite,
                                struct journal_entry *entry, int64_t *nid_out)
{
    struct stored_room stored;

    enum errcode found = room_load(call->db, call->arena, invite->room_id, &stored);
    if (found == OK) {
        *nid_out = stored.room_nid;
        return OK;
    }
    if (found != M_NOT_FOUND)
        return found;
    TRY(nid_next_room(room_service_nids(call->services->rooms), call->db, nid_out));
    room_create_in(entry, *nid_out, invite->room_id, invite->room_version, clock_wall_ms());
    return OK;
}

static enum errcode store(struct call *call, const struct remote_invite *invite,
                          const struct event *event, int64_t user_nid, struct journal_entry *entry)
{
    struct membership_row row = {
        .user_nid = user_nid,
        .membership = STORED_INVITE,
        .is_local = true,
    };

    TRY(obtain_room(call, invite, entry, &row.room_nid));
    TRY(user_nid_intern(call->db, call->arena, event->sender, &row.sender_nid));
    TRY(stripped_text(call, invite, event, &row.stripped_state));
    row.stripped_state_size = strlen(row.stripped_state);
    membership_set_in(entry, &row);
    journal_entry_wake_user(entry, user_nid);
    return OK;
}

/* When we are in the room the event reaches it by transaction, like any other. */
static enum errcode is_our_room(struct call *call, const struct remote_invite *invite, bool *out)
{
    struct room_head *head;
    struct room *room;
    bool allowed;

    *out = false;
    enum errcode opened = room_open(call, invite->room_id, &room);
    if (opened == OK)
        opened = room_committed_head(call, room, &head);
    error_clear(call->error);
    if (opened == M_NOT_FOUND || (opened == OK && head->create == NULL))
        return OK;
    TRY(opened);
    struct nid_list ours;
    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &ours));
    *out = ours.count > 0;
    TRY(server_acl_check(call, room, head, invite->origin, &allowed));
    if (*out && !allowed)
        return fail(call->error, M_FORBIDDEN, "Your server is banned from this room.");
    return OK;
}

static enum errcode sign(struct call *call, const struct room_version *version,
                         const struct event *event, json_t *json, json_t **out)
{
    const char *domain = identifier_domain(event->state_key);
    const struct signing_key *key = room_service_signing_key(call->services->rooms, domain);

    if (key == NULL)
        return fail(call->error, M_NOT_FOUND, "%s is not hosted here.", domain);
    *out = json_on_arena(call->arena, json_deep_copy(json));
    return event_sign(version, *out, domain, key);
}

/* From version 12 on a room is named by the hash of its create event, and an invite has to prove
 * what it is an invite to. Spec: server-server API, PUT /_matrix/federation/v2/invite (MSC4311); of
 * the other events clients are shown what is well-formed, and they believe it no more than before.
 */
static enum errcode check_create(struct call *call, const struct remote_invite *invite,
                                 struct pdu_batch batch)
{
    const struct pdu_signed **pdus;
    size_t i, count = 0;
    json_t *one;

    if (!batch.version->room_id_is_create_hash)
        return OK;
    batch.pdus = json_on_arena(call->arena, json_array());
    json_array_foreach (invite->stripped_state, i, one) {
        if (is(json_get_string(one, "type"), "m.room.create") && json_array_size(batch.pdus) == 0)
            json_array_append(batch.pdus, one);
    }
    TRY(pdus_verify(call, &batch, &pdus, &count));
    if (count == 0 || pdus[0] == NULL)
        return fail(call->error, M_INVALID_PARAM,
                    "invite_room_state has no m.room.create that %s is named by.", invite->room_id);
    return OK;
}

static enum errcode tell_user(struct call *call, const struct remote_invite *invite,
                              const struct event *event, int64_t user_nid)
{
    struct journal_entry *entry = journal_entry_create();
    enum errcode stored = store(call, invite, event, user_nid, entry);

    if (stored != OK) {
        journal_entry_destroy(entry);
        return stored;
    }
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode invite_receive(struct call *call, const struct remote_invite *invite,
                            json_t **signed_out)
{
    const struct pdu_batch batch = {
        .version = room_version_find(invite->room_version),
        .room_id = invite->room_id,
    };
    const struct pdu_signed *pdu;
    int64_t user_nid;
    bool is_ours;

    if (batch.version == NULL)
        return fail(call->error, M_INCOMPATIBLE_ROOM_VERSION,
                    "This server does not know rooms of version %s.", invite->room_version);
    enum errcode verified = pdu_verify_one(call, &batch, invite->event, &pdu);
    if (verified == M_UNAUTHORIZED || verified == M_INVALID_SIGNATURE)
        return M_FORBIDDEN;
    TRY(verified);
    const struct event *event = pdu_signed_event(pdu);
    TRY(check_event(call, invite, event));
    TRY(check_create(call, invite, batch));
    TRY(find_user(call, event->state_key, &user_nid));
    TRY(invite_permission_check(call, event->state_key, event->sender));
    TRY(is_our_room(call, invite, &is_ours));
    if (!is_ours)
        TRY(tell_user(call, invite, event, user_nid));
    return sign(call, batch.version, event, invite->event, signed_out);
}

static bool builds_on(const struct event *event, const char *event_id)
{
    for (size_t i = 0; i < event->auth_event_count; i++) {
        if (strcmp(event->auth_events[i], event_id) == 0)
            return true;
    }
    return false;
}

/* Of the room we know no more than the invite or the knock. What ends it is an event that builds on
 * it, of an invite by who made it. An older one, such as the lifting of a ban or the answer to the
 * knock before, may well come after it. */
static bool ends(struct call *call, const struct membership_row *row, const struct event *event)
{
    json_t *shown, *begun;

    if (row->stripped_state == NULL ||
        json_parse(call->arena, row->stripped_state, row->stripped_state_size, NULL, &shown) != OK)
        return true;
    begun = json_array_get(shown, json_array_size(shown) - 1);
    const char *event_id = json_get_string(begun, "event_id");
    if (event_id == NULL)
        return true; /* of an earlier version of this server, or made by somebody in the room */
    if (row->membership == STORED_INVITE && !is(json_get_string(begun, "sender"), event->sender))
        return false;
    return builds_on(event, event_id);
}

/* Invites and knocks end by a leave or ban of somebody else; a knock is answered by an invite that
 * comes as such. */
static enum errcode follow_one(struct call *call, struct room *room, const struct event *event)
{
    enum stored_membership membership = membership_from_text(event_membership(event));
    struct membership_row row;
    int64_t user_nid;

    if (strcmp(event->type, "m.room.member") != 0 || event->state_key == NULL ||
        (membership != STORED_LEAVE && membership != STORED_BAN) ||
        !config_hosts_user(config_current(call->services->config), event->state_key))
        return OK;
    enum errcode found = user_nid_find(call->db, call->arena, event->state_key, &user_nid);
    if (found == OK)
        found = membership_load(call->db, call->arena, room_nid(room), user_nid, &row);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    if ((row.membership != STORED_INVITE && row.membership != STORED_KNOCK) ||
        !ends(call, &row, event))
        return OK;
    row.membership = membership;
    row.stripped_state =
        json_compact(call->arena, json_on_arena(call->arena, json_pack("[o]", dated_event(event))));
    if (row.stripped_state == NULL)
        return E_SYSTEM;
    row.stripped_state_size = strlen(row.stripped_state);
    TRY(user_nid_intern(call->db, call->arena, event->sender, &row.sender_nid));
    struct journal_entry *entry = journal_entry_create();
    membership_end_in(entry, &row);
    journal_entry_wake_user(entry, user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode invite_follow(struct call *call, struct room *room, const struct inbox_pdu *rows,
                           size_t count)
{
    const struct pdu_batch batch = {.version = room_version_of(room), .room_id = room_id(room)};

    for (size_t i = 0; i < count; i++) {
        const struct pdu_signed *pdu;
        json_t *json;
        if (json_parse_object(call->arena, rows[i].json, rows[i].json_size, NULL, &json) != OK)
            continue;
        enum errcode verified = pdu_verify_one(call, &batch, json, &pdu);
        if (errcode_is_internal(verified))
            return verified;
        if (verified == OK)
            TRY(follow_one(call, room, pdu_signed_event(pdu)));
    }
    error_clear(call->error);
    return OK;
}
