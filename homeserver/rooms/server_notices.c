/*
 * The server's own voice. It is an account without a password whose name, _server, nobody can
 * register; each domain has one.
 */
#include "homeserver/rooms/server_notices.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/rooms/create_room.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/accounts.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/server_notice_rooms.h"

enum { READER_LEVEL = -10 };

static const char *notices_name(const struct call *call)
{
    return config_current(call->services->config)->rooms.notices_name;
}

static enum errcode find_speaker(struct call *call, const char *target, struct requester *out)
{
    const char *server_name = strchr(target, ':') + 1;
    struct registration registration = {.user_id =
                                            user_id_make(call->arena, "_server", server_name)};
    const struct account *account;
    int64_t user_nid;
    enum errcode code = account_load(call->db, call->arena, registration.user_id, &account);

    if (code == M_NOT_FOUND)
        TRY(registration_create(call, &registration, &user_nid));
    else if (code == OK)
        user_nid = account->user_nid;
    else
        return code;
    *out = (struct requester){
        .user_id = registration.user_id,
        .user_nid = user_nid,
        .server_name = server_name,
    };
    return OK;
}

/* How clients recognise the room. */
static void tag_room(struct call *call, int64_t user_nid, int64_t nid)
{
    const struct account_data_key key = {user_nid, nid, "m.tag"};
    struct journal_entry *entry = journal_entry_create();

    account_data_set_in(entry, &key, "{\"tags\":{\"m.server_notice\":{}}}");
    journal_entry_wake_user(entry, user_nid);
    journal_submit(call->services->journal, entry, call->commits);
}

/* A room in which only the server writes. Waits until it is committed. */
static enum errcode create_room(struct call *call, const struct requester *speaker,
                                int64_t target_nid, struct room **out)
{
    const struct config *config = config_current(call->services->config);
    const struct new_room wanted = {
        .version = room_version_find(config->rooms.default_version),
        .preset = PRESET_PRIVATE_CHAT,
        .name = notices_name(call),
        .is_never_encrypted = true,
        .power_level_override =
            json_on_arena(call->arena, json_pack("{s:i}", "users_default", (int)READER_LEVEL)),
    };
    const char *id;

    TRY(room_create_new(call, speaker, &wanted, &id));
    TRY(commit_group_wait(call->commits));
    TRY(room_open(call, id, out));
    TRY(server_notice_room_set(call->db, target_nid, room_nid(*out)));
    tag_room(call, target_nid, room_nid(*out));
    return OK;
}

static enum errcode find_room(struct call *call, const struct requester *speaker,
                              int64_t target_nid, struct room **out)
{
    int64_t nid;
    enum errcode code = server_notice_room_load(call->db, call->arena, target_nid, &nid);

    if (code == OK)
        code = room_open_by_nid(call, nid, out);
    return code == M_NOT_FOUND ? create_room(call, speaker, target_nid, out) : code;
}

/* The spec wants an invite, not a join. */
static enum errcode invite(struct call *call, const struct requester *speaker,
                           const struct account *target, struct room *room)
{
    const struct membership_change change = {
        .requester = speaker, .target = target->user_id, .membership = "invite"};
    struct membership_row row;
    const char *event_id;
    enum errcode code =
        membership_load(call->db, call->arena, room_nid(room), target->user_nid, &row);

    if (code != OK && code != M_NOT_FOUND)
        return code;
    if (code == OK && (row.membership == STORED_JOIN || row.membership == STORED_INVITE))
        return OK;
    return membership_change(call, room_id(room), &change, &event_id);
}

enum errcode server_notice_send(struct call *call, const struct server_notice *notice,
                                const char **event_id_out)
{
    const struct account *target;
    struct requester speaker;
    struct room *room;

    TRY(account_load(call->db, call->arena, notice->target, &target));
    if (target->deactivated_ts != 0)
        return M_NOT_FOUND;
    TRY(find_speaker(call, notice->target, &speaker));
    TRY(find_room(call, &speaker, target->user_nid, &room));
    TRY(invite(call, &speaker, target, room));

    const struct event_draft draft = {
        .type = notice->type,
        .sender = speaker.user_id,
        .sender_nid = speaker.user_nid,
        .state_key = notice->state_key,
        .content = notice->content,
        .transaction = notice->transaction,
    };
    return room_send_event(call, room_id(room), &draft, event_id_out);
}

enum errcode server_notice_check_leave(struct call *call, const char *room_id,
                                       const struct requester *requester)
{
    struct membership_row row;
    int64_t notices_nid;
    struct room *room;
    enum errcode code =
        server_notice_room_load(call->db, call->arena, requester->user_nid, &notices_nid);

    if (code == M_NOT_FOUND)
        return OK;
    TRY(code);
    code = room_open(call, room_id, &room);
    if (code == M_NOT_FOUND || (code == OK && room_nid(room) != notices_nid)) {
        error_clear(call->error);
        return OK;
    }
    TRY(code);
    code = membership_load(call->db, call->arena, notices_nid, requester->user_nid, &row);
    if (code == OK && row.membership == STORED_INVITE)
        return fail(call->error, M_CANNOT_LEAVE_SERVER_NOTICE_ROOM,
                    "The invite to the server notices can not be rejected.");
    return code == M_NOT_FOUND ? OK : code;
}
