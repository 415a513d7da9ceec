/* Mails about what is unread. */
#include "homeserver/jobs/email_pusher.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/mailer.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/looper.h"
#include "homeserver/jobs/email_digest.h"
#include "homeserver/net/smtp.h"
#include "homeserver/protocol/ed25519.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/signing_json.h"
#include "homeserver/push/push_notification.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/push_queue.h"
#include "storage/threepids.h"

enum {
    ROUND_MS = 2000,
    ITEMS_PER_MAIL = 50,
    MS_PER_SECOND = 1000,
    FIRST_PAUSE_MS = 60 * 1000,
    PAUSE_MAX_MS = 6 * 60 * 60 * 1000,
};

/* ── The link that ends it ───────────────────────────────────────────────────────────────────── */

/* What its token signs: good for this pusher of this address, as long as it is the same. Nothing
 * else that the key signs begins like this. */
static const char *signed_text(struct call *call, const struct push_target *target)
{
    return arena_printf(call->arena, "unsubscribe %" PRId64 " %" PRId64 " %s",
                        target->pusher.pusher_nid, target->pusher.pushkey_ts,
                        target->pusher.pushkey);
}

static const struct signing_key *key_of(struct call *call, const struct push_target *target)
{
    return room_service_signing_key(call->services->rooms, identifier_domain(target->user_id));
}

/* NULL when the user's domain is not hosted here any more. */
static const char *unsubscribe_url(struct call *call, const struct push_target *target)
{
    const char *text = signed_text(call, target), *server_name = identifier_domain(target->user_id);
    const struct config_domain *domain =
        config_find_domain(config_current(call->services->config), server_name);
    const struct signing_key *key = key_of(call, target);
    uint8_t signature[ED25519_SIGNATURE_BYTES];

    if (domain == NULL || key == NULL)
        return NULL;
    ed25519_sign(&key->pair, text, strlen(text), signature);
    const char *base = domain->client_base_url != NULL
                           ? domain->client_base_url
                           : arena_printf(call->arena, "https://%s", server_name);
    size_t length = strlen(base);
    if (length > 0 && base[length - 1] == '/')
        length--;
    return arena_printf(call->arena, "%.*s/_beffroi/unsubscribe?pusher=%" PRId64 "&token=%s",
                        (int)length, base, target->pusher.pusher_nid,
                        base64_encode(call->arena, signature, sizeof(signature), BASE64_URLSAFE));
}

static enum errcode remove_pusher(struct call *call, const struct push_target *target)
{
    return pusher_delete(call->db, target->pusher.user_nid, target->pusher.app_id,
                         target->pusher.pushkey);
}

enum errcode email_pusher_unsubscribe(struct call *call, const char *pusher, const char *token,
                                      bool ends)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    const struct signing_key *key;
    struct push_target target;
    const char *text;

    if (pusher == NULL || !ed25519_signature_decode(signature, token))
        return M_NOT_FOUND;
    TRY(push_target_load(call->db, call->arena, strtoll(pusher, NULL, 10), &target));
    key = key_of(call, &target);
    text = signed_text(call, &target);
    if (key == NULL || strcmp(target.pusher.kind, "email") != 0 ||
        !ed25519_verify(&key->pair.public_key, text, strlen(text), signature))
        return M_NOT_FOUND;
    return ends ? remove_pusher(call, &target) : OK;
}

/* ── One pusher ──────────────────────────────────────────────────────────────────────────────── */

/* What a mail would tell. */
struct unread {
    const struct push_item *items[ITEMS_PER_MAIL];
    size_t count;
    int64_t until; /* of the queue, what was looked at */
};

static enum errcode load_unread(struct call *call, const struct push_target *target,
                                struct unread *out)
{
    struct push_item *items;
    size_t count;

    *out = (struct unread){0};
    TRY(push_queue_load(call->db, call->arena, target->pusher.pusher_nid, ITEMS_PER_MAIL, &items,
                        &count));
    for (size_t i = 0; i < count; i++) {
        bool is_event = items[i].event_nid != 0;
        if (is_event && !items[i].is_over && target->pusher.is_enabled)
            out->items[out->count++] = &items[i];
        out->until = items[i].position;
    }
    return OK;
}

/* The address may have been taken from the account since. */
static enum errcode owns_address(struct call *call, const struct push_target *target, bool *out)
{
    int64_t owner_nid;
    enum errcode found =
        threepid_find_user(call->db, call->arena, "email", target->pusher.pushkey, &owner_nid);

    *out = found == OK && owner_nid == target->pusher.user_nid;
    return found == M_NOT_FOUND ? OK : found;
}

static enum errcode make_notifications(struct call *call, const struct push_target *target,
                                       const struct unread *unread, json_t ***out,
                                       size_t *count_out)
{
    json_t **notifications = ARENA_ARRAY(call->arena, unread->count, json_t *);
    size_t count = 0;

    for (size_t i = 0; i < unread->count; i++) {
        json_t *body;
        enum errcode made = push_notification_make(call, target, unread->items[i], 0, &body);
        if (made == M_NOT_FOUND)
            continue; /* its event is gone */
        TRY(made);
        notifications[count++] = json_object_get(body, "notification");
    }
    *out = notifications;
    *count_out = count;
    return OK;
}

static enum errcode send(struct call *call, const struct push_target *target,
                         const struct unread *unread)
{
    struct email_digest digest = {
        .language = target->pusher.lang,
        .server_name = identifier_domain(target->user_id),
        .unsubscribe_url = unsubscribe_url(call, target),
        .with_details = config_current(call->services->config)->mail.notification_details,
    };
    json_t **notifications;

    TRY(make_notifications(call, target, unread, &notifications, &digest.count));
    if (digest.count == 0 || digest.unsubscribe_url == NULL)
        return OK;
    digest.notifications = notifications;
    const struct email_texts texts = email_digest_write(call, &digest);
    const struct smtp_message message = {
        .to = target->pusher.pushkey,
        .subject = texts.subject,
        .text = texts.text,
        .html = texts.html,
        .unsubscribe_url = digest.unsubscribe_url,
    };
    return mailer_post(call, &message);
}

/* Twice as long as it has failed so far, within limits. */
static enum errcode note_failure(struct call *call, const struct push_target *target,
                                 int64_t now_ts)
{
    int64_t failing_ms = target->failing_since_ts != 0 ? now_ts - target->failing_since_ts : 0;

    if (failing_ms < FIRST_PAUSE_MS)
        failing_ms = FIRST_PAUSE_MS;
    if (failing_ms > PAUSE_MAX_MS)
        failing_ms = PAUSE_MAX_MS;
    log_warn(LOG_PUSH, "A mail about unread messages could not be sent: %s", call->error->text);
    return push_failed(call->db, target->pusher.pusher_nid, now_ts, now_ts + failing_ms);
}

static enum errcode send_and_note(struct call *call, const struct push_target *target,
                                  const struct unread *unread)
{
    const struct config_mail *mail = &config_current(call->services->config)->mail;
    const int64_t now_ts = clock_wall_ms();
    bool is_owner;

    TRY(owns_address(call, target, &is_owner));
    if (!is_owner)
        return remove_pusher(call, target);
    enum errcode sent = send(call, target, unread);
    if (sent == M_INVALID_PARAM) {
        log_info(LOG_PUSH, "A mail server refused an address: its e-mail pusher is removed.");
        return remove_pusher(call, target);
    }
    if (sent == E_REMOTE || sent == E_TIMEOUT)
        return note_failure(call, target, now_ts);
    TRY(sent);
    TRY(push_done(call->db, target->pusher.pusher_nid, unread->until, target->badge));
    return push_wait_until(call->db, target->pusher.pusher_nid,
                           now_ts + mail->notification_interval_seconds * MS_PER_SECOND);
}

/* pushers.next_try_ts is when a mail is due, or may be: set when something unread is first seen,
 * and after a mail. */
static enum errcode work_on(struct call *call, int64_t pusher_nid)
{
    const struct config_mail *mail = &config_current(call->services->config)->mail;
    const int64_t now_ts = clock_wall_ms();
    struct push_target target;
    struct unread unread;
    enum errcode found = push_target_load(call->db, call->arena, pusher_nid, &target);

    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    if (target.next_try_ts > now_ts)
        return OK;
    TRY(load_unread(call, &target, &unread));
    if (unread.count == 0 && unread.until != 0)
        return push_done(call->db, pusher_nid, unread.until, target.badge);
    if (unread.count == 0)
        return push_wait_until(call->db, pusher_nid, 0);
    if (target.next_try_ts == 0)
        return push_wait_until(call->db, pusher_nid,
                               now_ts + mail->notification_delay_seconds * MS_PER_SECOND);
    return send_and_note(call, &target, &unread);
}

/* ── The thread ──────────────────────────────────────────────────────────────────────────────── */

struct email_pusher {
    const struct services *services;
    struct db *db;
    struct looper *looper;
};

static enum errcode run_round(struct call *call)
{
    struct nid_list waiting;
    bool is_ours;

    if (!mailer_is_on(call))
        return OK;
    TRY(push_email_lock(call->db, call->arena, &is_ours));
    if (!is_ours)
        return OK;
    TRY(push_waiting(call->db, call->arena, "email", &waiting));
    for (size_t i = 0; i < waiting.count; i++)
        TRY(work_on(call, waiting.items[i]));
    return OK;
}

static int64_t run(void *context)
{
    struct email_pusher *pusher = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = pusher->services,
        .db = pusher->db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };
    enum errcode outcome = run_round(&call);

    commit_group_release(call.commits);
    if (outcome != OK)
        log_warn(LOG_PUSH, "Notifying by e-mail failed and will be repeated: %s",
                 error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
    return ROUND_MS;
}

struct email_pusher *email_pusher_create(const struct services *services, const char *conninfo)
{
    struct email_pusher *pusher = calloc(1, sizeof(*pusher));

    if (pusher == NULL)
        abort();
    pusher->services = services;
    pusher->db = db_create(conninfo);
    pusher->looper = looper_create("email-pusher", run, pusher);
    return pusher;
}

void email_pusher_start(struct email_pusher *pusher)
{
    looper_start(pusher->looper);
}

void email_pusher_destroy(struct email_pusher *pusher)
{
    if (pusher == NULL)
        return;
    looper_destroy(pusher->looper);
    db_destroy(pusher->db);
    free(pusher);
}
