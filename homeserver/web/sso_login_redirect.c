/*
 * Where clients send a browser for single sign-on, which this server has not: GET login names no
 * such flow, and who comes here nevertheless reads why there is no way on.
 * Spec: client-server API, "SSO client login/authentication" (sso_login_redirect.yaml).
 */
#include "homeserver/http/request.h"
#include "homeserver/web/page.h"
#include "homeserver/web/web.h"

static const struct text no_provider = {
    {"This server does not offer this way to log in. Go back to your application and log in with "
     "your user name and password.",
     "Ce serveur ne propose pas ce mode de connexion. Revenez à votre application et "
     "connectez-vous avec votre nom d’utilisateur et votre mot de passe."}};

/* GET /_matrix/client/v3/login/sso/redirect */
enum errcode web_redirect_to_sso(struct request *req)
{
    const struct page page = {
        .title = {{"Log in", "Connexion"}},
        .error = &no_provider,
    };

    if (query_string(req, "redirectUrl") == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"redirectUrl\" is missing.");
    return page_respond(req, 404, &page);
}

/* GET /_matrix/client/v3/login/sso/redirect/{idpId} */
enum errcode web_redirect_to_idp(struct request *req)
{
    return web_redirect_to_sso(req);
}

/* GET /_matrix/client/v3/login/cas/redirect */
enum errcode web_redirect_to_cas(struct request *req)
{
    return web_redirect_to_sso(req);
}
