/*
 * Validation of e-mail addresses by mail. Security: design rules L-15 and L-17: one plain grammar
 * of addresses, and one answer, after one mail, whether an account has the address or not.
 */
#include "homeserver/accounts/threepids.h"

#include <ctype.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/mailer.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/email_validations.h"
#include "storage/threepids.h"

enum {
    HOUR_MS = 60 * 60 * 1000,
    VALIDATION_LIFETIME_MS = 24 * HOUR_MS,
    SID_CHARS = 24,
    TOKEN_CHARS = 43,
    ADDRESS_BYTES_MAX = 254, /* RFC 5321, with erratum 1690 */
    LOCAL_PART_BYTES_MAX = 64,
    LABEL_BYTES_MAX = 63,
    CLIENT_SECRET_CHARS_MAX = 255,
    NEXT_LINK_BYTES_MAX = 2048,
    /* Nobody's mailbox is filled through us. */
    MAILS_PER_VALIDATION_MAX = 5,
    MAILS_PER_HOUR_MAX = 10,
};

static const char *const purpose_names[] = {
    [EMAIL_FOR_REGISTRATION] = "register",
    [EMAIL_FOR_PASSWORD] = "password",
    [EMAIL_FOR_ACCOUNT] = "account",
};

/* "atext" of RFC 5322, dots between them. */
static bool local_part_is_valid(const char *text, size_t length)
{
    if (length == 0 || length > LOCAL_PART_BYTES_MAX || text[0] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (isalnum((unsigned char)text[i]) || (text[i] == '.' && text[i + 1] != '.'))
            continue;
        if (text[i] == '.' || text[i] == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", text[i]) == NULL)
            return false;
    }
    return true;
}

/* At least two labels of letters, digits and inner hyphens. */
static bool mail_domain_is_valid(const char *domain)
{
    size_t labels = 0;

    for (;;) {
        size_t length = strcspn(domain, ".");

        if (length == 0 || length > LABEL_BYTES_MAX || domain[0] == '-' ||
            domain[length - 1] == '-')
            return false;
        for (size_t i = 0; i < length; i++) {
            if (!isalnum((unsigned char)domain[i]) && domain[i] != '-')
                return false;
        }
        labels++;
        if (domain[length] == '\0')
            return labels >= 2;
        domain += length + 1;
    }
}

enum errcode email_canonical(struct call *call, const char *address, const char **out)
{
    const char *at = strchr(address, '@');
    char *lower;

    if (at == NULL || strlen(address) > ADDRESS_BYTES_MAX ||
        !local_part_is_valid(address, (size_t)(at - address)) || !mail_domain_is_valid(at + 1))
        return fail(call->error, M_INVALID_PARAM, "This is not an e-mail address.");
    /* Of ASCII text the case folding that the spec asks for is this. */
    lower = arena_strdup(call->arena, address);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    *out = lower;
    return OK;
}

enum errcode client_secret_check(struct call *call, const char *client_secret)
{
    size_t length = strlen(client_secret);

    if (length == 0 || length > CLIENT_SECRET_CHARS_MAX ||
        strspn(client_secret,
               "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.=_-") < length)
        return fail(call->error, M_INVALID_PARAM, "\"client_secret\" is not valid.");
    return OK;
}

static enum errcode check_domain_rule(struct call *call, const char *address)
{
    const struct config_registration *rules = &config_current(call->services->config)->registration;
    const char *domain = strchr(address, '@') + 1;

    for (size_t i = 0; i < rules->email_domain_count; i++) {
        if (strcasecmp(domain, rules->email_domains[i]) == 0)
            return OK;
    }
    if (rules->email_domain_count == 0)
        return OK;
    return fail(call->error, M_THREEPID_DENIED,
                "Accounts of this server need an e-mail address of another domain.");
}

static enum errcode check_request(struct call *call, const struct email_request *request,
                                  const char **address_out)
{
    const char *next_link = request->next_link;

    if (!mailer_is_on(call))
        return fail(call->error, M_THREEPID_MEDIUM_NOT_SUPPORTED, "This server sends no e-mail.");
    TRY(client_secret_check(call, request->client_secret));
    TRY(email_canonical(call, request->address, address_out));
    if (next_link != NULL &&
        (strlen(next_link) > NEXT_LINK_BYTES_MAX ||
         (strncmp(next_link, "https://", 8) != 0 && strncmp(next_link, "http://", 7) != 0)))
        return fail(call->error, M_INVALID_PARAM, "\"next_link\" is not a web address.");
    if (request->purpose == EMAIL_FOR_REGISTRATION)
        return check_domain_rule(call, *address_out);
    return OK;
}

static enum errcode check_mail_limits(struct call *call, const struct email_validation *validation)
{
    int64_t mails;

    TRY(email_validation_count_mails(call->db, call->arena, validation->address,
                                     validation->created_ts - HOUR_MS, &mails));
    if (validation->mails_sent < MAILS_PER_VALIDATION_MAX && mails < MAILS_PER_HOUR_MAX)
        return OK;
    error_set_int(call->error, "retry_after_ms", HOUR_MS);
    return fail(call->error, M_LIMIT_EXCEEDED, "This address has been sent enough mails for now.");
}

/* Which mail: the one with the link, or one that says why there is no link. */
static enum errcode choose_mail(struct call *call, enum email_purpose purpose, const char *address,
                                enum mail_kind *out)
{
    static const enum mail_kind with_link[] = {
        [EMAIL_FOR_REGISTRATION] = MAIL_CONFIRM_REGISTRATION,
        [EMAIL_FOR_PASSWORD] = MAIL_RESET_PASSWORD,
        [EMAIL_FOR_ACCOUNT] = MAIL_CONFIRM_ADDRESS,
    };
    int64_t user_nid;
    enum errcode code = threepid_find_user(call->db, call->arena, "email", address, &user_nid);

    if (code != OK && code != M_NOT_FOUND)
        return code;
    if ((code == OK) == (purpose == EMAIL_FOR_PASSWORD))
        *out = with_link[purpose];
    else
        *out = purpose == EMAIL_FOR_PASSWORD ? MAIL_NO_ACCOUNT : MAIL_ADDRESS_IN_USE;
    return OK;
}

/* The address in the link is the configured one: what a request says about its host is not to be
 * trusted with a token. */
static const char *link_to(struct call *call, const struct config_domain *domain, const char *sid,
                           const char *token)
{
    const char *base = domain->client_base_url != NULL
                           ? domain->client_base_url
                           : arena_printf(call->arena, "https://%s", domain->name);
    size_t length = strlen(base);

    if (length > 0 && base[length - 1] == '/')
        length--;
    return arena_printf(call->arena, "%.*s/_beffroi/email?sid=%s&token=%s", (int)length, base, sid,
                        token);
}

static enum errcode send_mail(struct call *call, const struct email_request *request,
                              const struct email_validation *validation)
{
    const char *token = random_token(call->arena, TOKEN_CHARS);
    char hash[SHA256_HEX_CHARS + 1];
    struct mail mail = {
        .to = validation->address,
        .server_name = request->domain->name,
        .link = link_to(call, request->domain, validation->sid, token),
    };
    bool has_link;

    TRY(choose_mail(call, request->purpose, validation->address, &mail.kind));
    has_link = mail.kind != MAIL_NO_ACCOUNT && mail.kind != MAIL_ADDRESS_IN_USE;
    sha256_hex(token, hash);
    TRY(email_validation_set_token(call->db, validation->sid, has_link ? hash : NULL));
    return mailer_send(call, &mail);
}

enum errcode email_request_validation(struct call *call, const struct email_request *request,
                                      const char **sid_out)
{
    int64_t now_ms = clock_wall_ms();
    struct email_validation validation = {
        .sid = random_token(call->arena, SID_CHARS),
        .purpose = purpose_names[request->purpose],
        .client_secret = request->client_secret,
        .next_link = request->next_link,
        .created_ts = now_ms,
        .expires_ts = now_ms + VALIDATION_LIFETIME_MS,
    };

    TRY(check_request(call, request, &validation.address));
    TRY(email_validation_begin(call->db, call->arena, &validation, now_ms));
    *sid_out = validation.sid;
    if (request->send_attempt <= validation.send_attempt)
        return OK; /* a repetition of a request whose answer was lost */
    TRY(check_mail_limits(call, &validation));
    TRY(send_mail(call, request, &validation));
    return email_validation_set_sent(call->db, validation.sid, request->send_attempt);
}

enum errcode email_confirm(struct call *call, const char *sid, const char *token,
                           const char **next_link_out)
{
    char hash[SHA256_HEX_CHARS + 1];

    sha256_hex(token, hash);
    return email_validation_prove(call->db, call->arena, sid, hash, clock_wall_ms(), next_link_out);
}

enum errcode email_take_proof(struct call *call, enum email_purpose purpose, const char *sid,
                              const char *client_secret, struct threepid *out)
{
    const struct email_validation wanted = {
        .sid = sid,
        .purpose = purpose_names[purpose],
        .client_secret = client_secret,
    };
    enum errcode code;

    *out = (struct threepid){.medium = "email"};
    code = email_validation_take(call->db, call->arena, &wanted, clock_wall_ms(), &out->address,
                                 &out->validated_ts);
    if (code == M_NOT_FOUND)
        return fail(call->error, M_THREEPID_AUTH_FAILED,
                    "The e-mail address is not confirmed: follow the link in the mail first.");
    return code;
}
