/* Spec: client-server API, "Server-side key backups" (key_backup.yaml). */
#include "homeserver/encryption/backup_keys.h"

#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/call.h"
#include "homeserver/protocol/key_backup.h"
#include "storage/db.h"

static enum errcode lock_backup(struct call *call, struct db *tx, int64_t user_nid, int64_t version,
                                struct key_backup *out)
{
    enum errcode found = key_backup_load_locked(tx, call->arena, user_nid, version, out);

    if (found == M_NOT_FOUND)
        return fail(call->error, M_NOT_FOUND, "You have no key backup of this version.");
    return found;
}

static enum errcode check_newest(struct call *call, struct db *tx, int64_t user_nid,
                                 int64_t version)
{
    struct key_backup newest;

    TRY(key_backup_load_newest(tx, call->arena, user_nid, &newest));
    if (newest.version == version)
        return OK;
    error_set_string(call->error, "current_version",
                     arena_printf(call->arena, "%" PRId64, newest.version));
    return fail(call->error, M_WRONG_ROOM_KEYS_VERSION,
                "Keys are added to the newest backup only; its version is %" PRId64 ".",
                newest.version);
}

static struct backed_up_session rank_of(const struct key_backup_session *session)
{
    return (struct backed_up_session){
        .first_message_index = session->first_message_index,
        .forwarded_count = session->forwarded_count,
        .is_verified = session->is_verified,
    };
}

struct session_list {
    const struct key_backup_session *items;
    size_t count;
};

/* How many sessions were written, and how many of them were not there before. */
struct merged {
    size_t written;
    int64_t added;
};

static enum errcode merge(struct call *call, struct db *tx, int64_t version,
                          struct session_list sessions, struct merged *out)
{
    struct key_backup_session *better =
        ARENA_ARRAY(call->arena, sessions.count, struct key_backup_session);
    struct key_backup_session *stored;
    struct merged merged = {0};

    TRY(key_backup_sessions_find(tx, call->arena, version, sessions.items, sessions.count,
                                 &stored));
    for (size_t i = 0; i < sessions.count; i++) {
        const struct backed_up_session candidate = rank_of(&sessions.items[i]);
        const struct backed_up_session old = rank_of(&stored[i]);
        bool is_new = stored[i].data == NULL;
        if (!is_new && !backed_up_session_replaces(&candidate, &old))
            continue;
        better[merged.written++] = sessions.items[i];
        merged.added += is_new;
    }
    *out = merged;
    if (merged.written == 0)
        return OK;
    return key_backup_sessions_put(tx, call->arena, version, better, merged.written);
}

static enum errcode note_change(struct db *tx, int64_t more_keys, struct key_backup *backup)
{
    TRY(key_backup_touch(tx, backup->version, more_keys));
    backup->etag++;
    backup->key_count += more_keys;
    return OK;
}

enum errcode backup_keys_put(struct call *call, int64_t user_nid, int64_t version,
                             const struct key_backup_session *sessions, size_t count,
                             struct key_backup *out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct key_backup backup;
    struct merged merged;

    TRY(db_begin(call->db, &tx));
    TRY(lock_backup(call, tx, user_nid, version, &backup));
    TRY(check_newest(call, tx, user_nid, version));
    TRY(merge(call, tx, version, (struct session_list){sessions, count}, &merged));
    if (merged.written > 0)
        TRY(note_change(tx, merged.added, &backup));
    TRY(db_commit(&tx));
    *out = backup;
    return OK;
}

enum errcode backup_keys_delete(struct call *call, int64_t user_nid,
                                const struct key_backup_scope *scope, struct key_backup *out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct key_backup backup;
    int64_t deleted;

    TRY(db_begin(call->db, &tx));
    TRY(lock_backup(call, tx, user_nid, scope->version, &backup));
    TRY(key_backup_sessions_delete(tx, scope, &deleted));
    if (deleted > 0)
        TRY(note_change(tx, -deleted, &backup));
    TRY(db_commit(&tx));
    *out = backup;
    return OK;
}
