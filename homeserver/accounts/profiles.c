/*
 * Reading and changing profiles. Sending new member events to the rooms is the caller's next step
 * (homeserver/rooms/membership.h).
 */
#include "homeserver/accounts/profiles.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/mxc_uri.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/profiles.h"

enum { AVATAR_URL_BYTES_MAX = 1000 };

enum errcode profile_find_local(struct call *call, const char *user_id, json_t **out)
{
    const struct account *account;

    TRY(account_load(call->db, call->arena, user_id, &account));
    if (account->deactivated_ts != 0)
        return M_NOT_FOUND;
    return profile_load(call->db, call->arena, account->user_nid, out);
}

enum errcode profile_check_key(struct call *call, const char *key)
{
    if (strlen(key) > PROFILE_KEY_BYTES_MAX)
        return M_KEY_TOO_LARGE;
    if (!namespaced_id_is_valid(key))
        return fail(call->error, M_INVALID_PARAM,
                    "The name of a profile field begins with a letter and consists of a-z, digits "
                    "and the signs - _ .");
    return OK;
}

static enum errcode check_display_name(struct call *call, const json_t *value)
{
    if (!json_is_text(value))
        return fail(call->error, M_BAD_JSON, "\"displayname\" must be a string.");
    if (json_string_length(value) > DISPLAY_NAME_BYTES_MAX)
        return fail(call->error, M_INVALID_PARAM, "A display name has at most %d bytes.",
                    DISPLAY_NAME_BYTES_MAX);
    return OK;
}

static enum errcode check_avatar_url(struct call *call, const json_t *value)
{
    struct mxc_uri uri;

    if (!json_is_text(value))
        return fail(call->error, M_BAD_JSON, "\"avatar_url\" must be a string.");
    /* The spec wants an mxc:// address of its clients. Text that is no address at all has always
     * been let through, and no client fetches it; any other address would be a way to watch who
     * looks at the profile. */
    if (json_string_length(value) > AVATAR_URL_BYTES_MAX ||
        (strchr(json_string_value(value), ':') != NULL &&
         !mxc_uri_parse(call->arena, json_string_value(value), &uri)))
        return fail(call->error, M_INVALID_PARAM, "\"avatar_url\" must be an mxc:// address.");
    return OK;
}

static enum errcode check_time_zone(struct call *call, const json_t *value)
{
    if (!json_is_text(value) || json_string_length(value) == 0)
        return fail(call->error, M_BAD_JSON, "\"m.tz\" must be the name of a time zone.");
    return OK;
}

/* Fields whose values the specification describes. */
static const struct {
    const char *key;
    enum errcode (*check)(struct call *call, const json_t *value);
    bool empty_means_unset;
    bool shown_in_rooms;
} known_fields[] = {
    {"displayname", check_display_name, true, true},
    {"avatar_url", check_avatar_url, true, true},
    {"m.tz", check_time_zone, false, false},
};

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

static void finish_strbuf(struct strbuf *buf)
{
    strbuf_finish(buf);
}

static enum errcode store_field(struct call *call, const struct profile_edit *edit)
{
    SCOPED(finish_strbuf) struct strbuf text;
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct profile_change change = {
        .user_nid = edit->user_nid, .field = edit->key, .bytes_max = PROFILE_BYTES_MAX};
    enum errcode code;

    strbuf_init(&text, PROFILE_BYTES_MAX);
    code = canonical_json_write(edit->value, CANONICAL_JSON_LEGACY, &text, call->error);
    if (code == M_TOO_LARGE)
        return M_PROFILE_TOO_LARGE;
    TRY(code);
    change.value = text.data;
    TRY(db_begin(call->db, &tx));
    TRY(profile_set_field(tx, call->arena, &change));
    return db_commit(&tx);
}

enum errcode profile_edit_field(struct call *call, const struct profile_edit *edit,
                                bool *shown_in_rooms_out)
{
    bool unset = edit->value == NULL;

    TRY(profile_check_key(call, edit->key));
    *shown_in_rooms_out = false;
    for (size_t i = 0; i < COUNT_OF(known_fields); i++) {
        if (strcmp(known_fields[i].key, edit->key) != 0)
            continue;
        unset = unset || (known_fields[i].empty_means_unset && is_empty(edit->value));
        if (!unset)
            TRY(known_fields[i].check(call, edit->value));
        *shown_in_rooms_out = known_fields[i].shown_in_rooms;
    }
    if (unset)
        return profile_delete_field(call->db, edit->user_nid, edit->key);
    return store_field(call, edit);
}
