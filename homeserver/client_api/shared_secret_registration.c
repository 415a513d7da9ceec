/*
 * Accounts made by programs that know a secret of the configuration: the form that Synapse
 * introduced and that administration tools and test suites speak. First a nonce is fetched, then
 * the request carries HMAC-SHA1(secret, nonce NUL user NUL password NUL "admin" or "notadmin"
 * [NUL user type]).
 */
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/hmac_sha1.h"
#include "homeserver/base/random.h"
#include "homeserver/base/secret.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/client_api/session_answer.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "storage/registration_tokens.h"

enum { NONCE_CHARS = 32, NONCE_LIFETIME_MS = 60 * 1000, MAC_TEXT_BYTES_MAX = 4096 };

struct wish {
    const char *nonce;
    const char *username;
    const char *password;
    const char *mac;
    const char *user_type; /* NULL: none; only part of the MAC */
    bool is_admin;
};

static enum errcode find_secret(struct request *req, const char **out)
{
    const char *secret = config_current(req->call.services->config)->registration.shared_secret;

    if (secret == NULL)
        return fail(&req->error, M_UNRECOGNIZED, "Registration by shared secret is off here.");
    *out = secret;
    return OK;
}

/* GET /_synapse/admin/v1/register */
enum errcode client_get_registration_nonce(struct request *req)
{
    const char *nonce = random_token(req->call.arena, NONCE_CHARS);
    int64_t now_ms = clock_wall_ms();
    const char *secret;

    TRY(find_secret(req, &secret));
    TRY(registration_nonce_insert(req->call.db, nonce, now_ms, now_ms + NONCE_LIFETIME_MS));
    return respond(req, 200, json_pack("{s:s}", "nonce", nonce));
}

static enum errcode read_wish(struct request *req, struct wish *out)
{
    TRY(body_string(req, "nonce", &out->nonce));
    TRY(body_string(req, "username", &out->username));
    TRY(body_string(req, "password", &out->password));
    TRY(body_string(req, "mac", &out->mac));
    TRY(body_string_optional(req, "user_type", &out->user_type));
    TRY(body_bool_optional(req, "admin", false, &out->is_admin));
    return password_check_new(&req->call, out->password);
}

/* The parts hold no NUL (body_string() refuses them), so nobody can shift text from one to another.
 */
static void add_mac_text(struct strbuf *text, const struct wish *wish)
{
    strbuf_add_string(text, wish->nonce);
    strbuf_add_char(text, '\0');
    strbuf_add_string(text, wish->username);
    strbuf_add_char(text, '\0');
    strbuf_add_string(text, wish->password);
    strbuf_add_char(text, '\0');
    strbuf_add_string(text, wish->is_admin ? "admin" : "notadmin");
    if (wish->user_type != NULL) {
        strbuf_add_char(text, '\0');
        strbuf_add_string(text, wish->user_type);
    }
}

static bool mac_is_right(const char *secret, const struct wish *wish)
{
    char expected[HMAC_SHA1_HEX_CHARS + 1];
    struct strbuf text;
    bool is_right;

    strbuf_init(&text, MAC_TEXT_BYTES_MAX);
    add_mac_text(&text, wish);
    hmac_sha1_hex(secret, strlen(secret), text.data, text.length, expected);
    is_right = !text.overflowed && secret_equal(expected, wish->mac);
    secret_clear(text.data, text.length);
    strbuf_finish(&text);
    return is_right;
}

static enum errcode check_wish(struct request *req, const char *secret, const struct wish *wish)
{
    enum errcode code = registration_nonce_take(req->call.db, wish->nonce, clock_wall_ms());

    if (code == M_NOT_FOUND)
        return fail(&req->error, M_FORBIDDEN, "The nonce is not known: ask for a new one.");
    TRY(code);
    if (!mac_is_right(secret, wish))
        return fail(&req->error, M_FORBIDDEN, "The MAC is wrong.");
    return OK;
}

static enum errcode create_account(struct request *req, const struct wish *wish,
                                   const char **user_id_out, int64_t *user_nid_out)
{
    struct registration registration = {.is_admin = wish->is_admin};

    TRY(registration_check_username(&req->call, request_domain(req)->name, wish->username,
                                    &registration.user_id));
    TRY(password_hash(&req->call, wish->password, &registration.password_hash));
    TRY(registration_create(&req->call, &registration, user_nid_out));
    *user_id_out = registration.user_id;
    return OK;
}

/* POST /_synapse/admin/v1/register */
enum errcode client_register_with_shared_secret(struct request *req)
{
    struct session_draft draft = {0};
    const char *secret, *user_id;
    struct session session;
    struct wish wish;
    bool inhibit_login;

    TRY(find_secret(req, &secret));
    TRY(read_wish(req, &wish));
    TRY(body_bool_optional(req, "inhibit_login", false, &inhibit_login));
    TRY(check_wish(req, secret, &wish));
    TRY(session_draft_read(req, &draft));
    TRY(create_account(req, &wish, &user_id, &draft.user_nid));
    if (inhibit_login)
        return session_answer(req, user_id, NULL);
    TRY(session_start(&req->call, &draft, &session));
    return session_answer(req, user_id, &session);
}
