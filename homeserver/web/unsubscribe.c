/* Where the link at the end of mails about unread messages leads: a page with one button, because
 * programs that look for viruses open every link. Mail programs that have a button of their own
 * send the form without the page (RFC 8058). */
#include "homeserver/http/request.h"
#include "homeserver/jobs/email_pusher.h"
#include "homeserver/web/form.h"
#include "homeserver/web/page.h"
#include "homeserver/web/web.h"

static const struct text title = {
    {"Mails about unread messages", "Messages électroniques sur ce qui n’est pas lu"}};
static const struct text question = {
    {"You will get no more mails about unread messages at this address.",
     "Vous ne recevrez plus, à cette adresse, de messages sur ce que vous n’avez pas lu."}};
static const struct text button = {{"Unsubscribe", "Se désabonner"}};
static const struct text done = {{"Done: no more mails.", "C’est fait : plus de messages."}};
static const struct text wrong_link = {
    {"This link is not complete, or you are unsubscribed already.",
     "Ce lien est incomplet, ou vous êtes déjà désabonné."}};

static enum errcode answer(struct request *req, bool ends)
{
    enum errcode found = email_pusher_unsubscribe(&req->call, query_string(req, "pusher"),
                                                  query_string(req, "token"), ends);
    const struct page page = {
        .title = title,
        .intro = found == M_NOT_FOUND ? NULL
                 : ends               ? &done
                                      : &question,
        .error = found == M_NOT_FOUND ? &wrong_link : NULL,
        .button = found == M_NOT_FOUND || ends ? NULL : &button,
        .action = req->target,
    };

    if (found != OK && found != M_NOT_FOUND)
        return found;
    return page_respond(req, found == M_NOT_FOUND ? 404 : 200, &page);
}

/* GET /_beffroi/unsubscribe?pusher=…&token=… */
enum errcode web_get_unsubscribe_page(struct request *req)
{
    return answer(req, false);
}

/* POST /_beffroi/unsubscribe?pusher=…&token=… */
enum errcode web_submit_unsubscribe_page(struct request *req)
{
    TRY(form_check_origin(req));
    return answer(req, true);
}
