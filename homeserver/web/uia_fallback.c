/*
 * Stages of user-interactive authentication as web pages, for clients that do not know them.
 * Spec: client-server API, "Fallback".
 *
 * The session ID can not be guessed and is part of the form's address, so it does what a form token
 * does elsewhere; where browsers tell the origin it is checked as well.
 */
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/threepids.h"
#include "homeserver/accounts/uia.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "homeserver/web/form.h"
#include "homeserver/web/page.h"
#include "homeserver/web/web.h"

#define EMAIL_STAGE "m.login.email.identity"

enum { CLIENT_SECRET_CHARS = 43, EMAIL_CREDENTIALS = 2 };

/* One stage: what is asked, and what a failure means. */
struct stage_page {
    const char *type;
    struct text title;
    struct text intro;
    struct text failure;
    const struct page_field *fields;
    size_t field_count;
};

static const struct page_field password_fields[] = {
    {"user", {{"User name", "Nom d’utilisateur"}}, "text", "username"},
    {"password", {{"Password", "Mot de passe"}}, "password", "current-password"},
};
static const struct page_field token_fields[] = {
    {"token", {{"Registration token", "Jeton d’inscription"}}, "text", "off"},
};
static const struct page_field terms_fields[] = {
    {"accept",
     {{"I accept the terms of use", "J’accepte les conditions d’utilisation"}},
     "checkbox",
     NULL},
};

static const struct page_field email_fields[] = {
    {"address", {{"E-mail address", "Adresse e-mail"}}, "email", "email"},
};

static const struct stage_page stage_pages[] = {
    {"m.login.dummy",
     {{"Confirm", "Confirmation"}},
     {{"Continue to return to your application.", "Continuez pour revenir à votre application."}},
     {{"This did not work. Try again.", "Cela n’a pas fonctionné. Réessayez."}},
     NULL,
     0},
    {"m.login.password",
     {{"Confirm that it is you", "Confirmez votre identité"}},
     {{"Your application asks for your password once more.",
       "Votre application vous redemande votre mot de passe."}},
     {{"The user name or the password is wrong.",
       "Le nom d’utilisateur ou le mot de passe est incorrect."}},
     password_fields,
     COUNT_OF(password_fields)},
    {"m.login.registration_token",
     {{"Registration token", "Jeton d’inscription"}},
     {{"To make an account here you need a token from an administrator of this server.",
       "Pour créer un compte ici, il vous faut un jeton remis par l’administration du serveur."}},
     {{"This token is not valid, or it has been used up.",
       "Ce jeton n’est pas valable, ou il a déjà été utilisé."}},
     token_fields,
     COUNT_OF(token_fields)},
    {EMAIL_STAGE,
     {{"Confirm your e-mail address", "Confirmez votre adresse e-mail"}},
     {{"You will get a message with a link. Your address is needed to continue.",
       "Vous recevrez un message contenant un lien. Votre adresse est nécessaire pour continuer."}},
     {{"No message can be sent to this address. Check it, or use another one.",
       "Aucun message ne peut être envoyé à cette adresse. Vérifiez-la ou utilisez-en une autre."}},
     email_fields,
     COUNT_OF(email_fields)},
    {"m.login.terms",
     {{"Terms of use", "Conditions d’utilisation"}},
     {{"Read the terms of use of this server, then accept them to continue.",
       "Lisez les conditions d’utilisation de ce serveur, puis acceptez-les pour continuer."}},
     {{"Accept the terms of use to continue.",
       "Acceptez les conditions d’utilisation pour continuer."}},
     terms_fields,
     COUNT_OF(terms_fields)},
};

static const struct text continue_button = {{"Continue", "Continuer"}};
static const struct text terms_link = {
    {"Read the terms of use (new window)", "Lire les conditions d’utilisation (nouvelle fenêtre)"}};
static const struct text mail_sent_intro = {
    {"A message was sent to your address. Follow the link in it, then continue here.",
     "Un message vous a été envoyé. Suivez le lien qu’il contient, puis continuez ici."}};
static const struct text not_confirmed_error = {
    {"The address is not confirmed yet. Follow the link in the message, then continue.",
     "L’adresse n’est pas encore confirmée. Suivez le lien du message, puis continuez."}};
static const struct text expired_error = {
    {"This authentication has expired. Go back to your application and begin again.",
     "Cette authentification a expiré. Revenez à votre application et recommencez."}};
static const struct text too_many_error = {
    {"Too many attempts. Wait a few minutes, then try again.",
     "Trop de tentatives. Patientez quelques minutes, puis réessayez."}};
static const struct text done_intro = {
    {"You can close this window and return to your application.",
     "Vous pouvez fermer cette fenêtre et revenir à votre application."}};

static enum errcode find_stage(struct request *req, const struct stage_page **out)
{
    const char *type;

    TRY(path_string(req, "authType", &type));
    for (size_t i = 0; i < COUNT_OF(stage_pages); i++) {
        if (strcmp(stage_pages[i].type, type) == 0) {
            *out = &stage_pages[i];
            return OK;
        }
    }
    return fail(&req->error, M_NOT_FOUND, "This server has no page for this kind of stage.");
}

/* The form is sent with the query of the page: it names the session. */
static const char *form_address(struct request *req, const struct stage_page *stage)
{
    return arena_printf(req->call.arena, "/_beffroi/auth/%s%s", stage->type,
                        req->target + strcspn(req->target, "?"));
}

static enum errcode respond_form(struct request *req, int status, const struct stage_page *stage,
                                 const struct text *error)
{
    const char *terms_url = config_current(req->call.services->config)->registration.terms_url;
    bool shows_terms = strcmp(stage->type, "m.login.terms") == 0 && terms_url != NULL;
    const struct page page = {
        .title = stage->title,
        .intro = &stage->intro,
        .error = error,
        .link_label = shows_terms ? &terms_link : NULL,
        .link_url = terms_url,
        .fields = stage->fields,
        .field_count = stage->field_count,
        .button = &continue_button,
        .action = form_address(req, stage),
    };

    return page_respond(req, status, &page);
}

static enum errcode respond_done(struct request *req)
{
    const struct page page = {
        .title = {{"Done", "C’est fait"}},
        .intro = &done_intro,
        .script = "/_beffroi/static/uia.js",
    };

    return page_respond(req, 200, &page);
}

/* GET /_matrix/client/v3/auth/{authType}/fallback/web */
enum errcode web_get_uia_page(struct request *req)
{
    const struct stage_page *stage;

    TRY(find_stage(req, &stage));
    if (query_string(req, "session") == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"session\" is missing.");
    return respond_form(req, 200, stage, NULL);
}

/* What a client would have sent as `auth`. */
static json_t *auth_of_form(struct request *req, const struct stage_page *stage)
{
    json_t *auth = json_on_arena(req->call.arena, json_pack("{s:s}", "type", stage->type));

    for (size_t i = 0; i < stage->field_count; i++) {
        const char *value = form_field(req, stage->fields[i].name);

        if (value != NULL)
            json_object_set_new(auth, stage->fields[i].name, json_string(value));
    }
    return auth;
}

static enum errcode respond_failure(struct request *req, const struct stage_page *stage,
                                    enum errcode code)
{
    error_clear(&req->error); /* the page tells it in the reader's language */
    if (code == M_NOT_FOUND)
        return respond_form(req, 404, stage, &expired_error);
    if (code == M_LIMIT_EXCEEDED)
        return respond_form(req, 429, stage, &too_many_error);
    return respond_form(req, 401, stage, &stage->failure);
}

static enum errcode respond_outcome(struct request *req, const struct stage_page *stage,
                                    enum errcode code)
{
    if (errcode_is_internal(code))
        return code;
    return code == OK ? respond_done(req) : respond_failure(req, stage, code);
}

/* The second page of the e-mail stage: the mail is on its way, the form remembers which. */
static enum errcode respond_mail_sent(struct request *req, int status,
                                      const struct stage_page *stage, const struct text *error,
                                      const struct page_hidden *credentials)
{
    const struct page page = {
        .title = stage->title,
        .intro = &mail_sent_intro,
        .error = error,
        .hidden = credentials,
        .hidden_count = EMAIL_CREDENTIALS,
        .button = &continue_button,
        .action = form_address(req, stage),
    };

    return page_respond(req, status, &page);
}

static enum errcode send_mail(struct request *req, const struct stage_page *stage,
                              const char *session_id)
{
    const struct config *config = config_current(req->call.services->config);
    const struct email_request request = {
        .domain = &config->domains[0],
        .address = form_field(req, "address"),
        .client_secret = random_token(req->call.arena, CLIENT_SECRET_CHARS),
        .send_attempt = 1,
    };
    const char *sid;
    enum errcode code;

    if (request.address == NULL)
        return respond_form(req, 400, stage, &stage->failure);
    code = uia_request_email(&req->call, session_id, &request, &sid);
    if (errcode_is_internal(code))
        return code;
    if (code != OK)
        return respond_failure(req, stage, code);
    const struct page_hidden credentials[EMAIL_CREDENTIALS] = {
        {"sid", sid}, {"client_secret", request.client_secret}};
    return respond_mail_sent(req, 200, stage, NULL, credentials);
}

/* Two pages: the first sends the mail, the second is sent when its link has been followed. */
static enum errcode submit_email_stage(struct request *req, const struct stage_page *stage,
                                       const char *session_id)
{
    const struct page_hidden credentials[EMAIL_CREDENTIALS] = {
        {"sid", form_field(req, "sid")}, {"client_secret", form_field(req, "client_secret")}};
    enum errcode code;

    if (credentials[0].value == NULL || credentials[1].value == NULL)
        return send_mail(req, stage, session_id);
    const json_t *auth = json_on_arena(
        req->call.arena,
        json_pack("{s:s, s:{s:s, s:s}}", "type", stage->type, "threepid_creds", credentials[0].name,
                  credentials[0].value, credentials[1].name, credentials[1].value));
    code = uia_complete_on_page(&req->call, session_id, req->client_address, auth);
    if (code != M_THREEPID_AUTH_FAILED)
        return respond_outcome(req, stage, code);
    error_clear(&req->error);
    return respond_mail_sent(req, 401, stage, &not_confirmed_error, credentials);
}

/* POST /_beffroi/auth/{authType}: the page's form. */
enum errcode web_submit_uia_page(struct request *req)
{
    const struct stage_page *stage;
    const char *session_id = query_string(req, "session");
    enum errcode code;

    TRY(find_stage(req, &stage));
    TRY(form_check_origin(req));
    if (session_id == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"session\" is missing.");
    if (strcmp(stage->type, EMAIL_STAGE) == 0)
        return submit_email_stage(req, stage, session_id);
    /* A box that is not ticked is not sent. */
    if (strcmp(stage->type, "m.login.terms") == 0 && form_field(req, "accept") == NULL)
        return respond_form(req, 400, stage, &stage->failure);
    code =
        uia_complete_on_page(&req->call, session_id, req->client_address, auth_of_form(req, stage));
    return respond_outcome(req, stage, code);
}
