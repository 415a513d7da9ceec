/*
 * Where the link in a validation mail leads: a page with one button. Opening it proves nothing yet,
 * because programs that look for viruses in mails open every link.
 *
 * The client's `next_link` becomes a link that says where it leads, not a redirect: it came with an
 * unauthenticated request, and mails from us must not carry anybody elsewhere unasked.
 */
#include <string.h>

#include "homeserver/accounts/threepids.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/web/form.h"
#include "homeserver/web/page.h"
#include "homeserver/web/web.h"

static const struct text title = {
    {"Confirm your e-mail address", "Confirmez votre adresse e-mail"}};
static const struct text question = {
    {"Only continue if it was you who asked for this in your application.",
     "Ne continuez que si c’est bien vous qui l’avez demandé dans votre application."}};
static const struct text confirm_button = {{"Confirm", "Confirmer"}};
static const struct text wrong_link = {
    {"This link is not complete, or it is too old. Ask for a new mail in your application.",
     "Ce lien est incomplet ou trop ancien. Demandez un nouveau message dans votre application."}};
static const struct text done_title = {{"Address confirmed", "Adresse confirmée"}};
static const struct text done_intro = {
    {"You can close this window and return to your application.",
     "Vous pouvez fermer cette fenêtre et revenir à votre application."}};

static enum errcode respond_wrong_link(struct request *req)
{
    const struct page page = {.title = title, .error = &wrong_link};

    return page_respond(req, 404, &page);
}

/* GET /_beffroi/email?sid=…&token=… */
enum errcode web_get_email_page(struct request *req)
{
    const struct page page = {
        .title = title,
        .intro = &question,
        .button = &confirm_button,
        .action = req->target,
    };

    if (query_string(req, "sid") == NULL || query_string(req, "token") == NULL)
        return respond_wrong_link(req);
    return page_respond(req, 200, &page);
}

/* "Continue at example.org": the part that tells a reader who it is. */
static struct text continue_label(struct request *req, const char *link)
{
    const char *host = strstr(link, "://") + 3;
    int length = (int)strcspn(host, "/?#");

    return (struct text){{
        arena_printf(req->call.arena, "Continue at %.*s (new window)", length, host),
        arena_printf(req->call.arena, "Continuer sur %.*s (nouvelle fenêtre)", length, host),
    }};
}

static enum errcode respond_confirmed(struct request *req, const char *next_link)
{
    const struct text label = next_link != NULL ? continue_label(req, next_link) : done_title;
    const struct page page = {
        .title = done_title,
        .intro = &done_intro,
        .link_label = next_link != NULL ? &label : NULL,
        .link_url = next_link,
    };

    return page_respond(req, 200, &page);
}

/* POST /_beffroi/email?sid=…&token=…: the page's button. */
enum errcode web_submit_email_page(struct request *req)
{
    const char *sid = query_string(req, "sid"), *token = query_string(req, "token");
    const char *next_link;
    enum errcode code;

    TRY(form_check_origin(req));
    if (sid == NULL || token == NULL)
        return respond_wrong_link(req);
    code = email_confirm(&req->call, sid, token, &next_link);
    if (code == M_NOT_FOUND)
        return respond_wrong_link(req);
    TRY(code);
    return respond_confirmed(req, next_link);
}
