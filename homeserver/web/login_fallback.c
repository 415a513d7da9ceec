/* Spec: client-server API, "Login Fallback". */
#include "homeserver/base/compiler.h"
#include "homeserver/http/request.h"
#include "homeserver/web/page.h"
#include "homeserver/web/web.h"

static const struct page_field fields[] = {
    {"user", {{"User name", "Nom d’utilisateur"}}, "text", "username"},
    {"password", {{"Password", "Mot de passe"}}, "password", "current-password"},
};
static const struct text button = {{"Log in", "Se connecter"}};

/* GET /_matrix/static/client/login/ */
enum errcode web_get_login_page(struct request *req)
{
    const struct page page = {
        .title = {{"Log in", "Connexion"}},
        .fields = fields,
        .field_count = COUNT_OF(fields),
        .button = &button,
        .script = "/_beffroi/static/login.js",
    };

    return page_respond(req, 200, &page);
}
