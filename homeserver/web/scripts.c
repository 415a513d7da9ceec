/* The two scripts that the specification's fallback pages need. */
#include "homeserver/http/request.h"
#include "homeserver/web/web.h"

/* "Fallback": tells the client that opened the page. */
static const char uia_script[] = "\"use strict\";\n"
                                 "if (window.onAuthDone) {\n"
                                 "  window.onAuthDone();\n"
                                 "} else if (window.opener && window.opener.postMessage) {\n"
                                 "  window.opener.postMessage(\"authDone\", \"*\");\n"
                                 "}\n";

/* "Login Fallback": logs in with what the form says and what stands in the page's own query, and
 * hands the answer to the client that embeds the page. */
static const char login_script[] =
    "\"use strict\";\n"
    "const form = document.getElementById(\"form\");\n"
    "const error = document.getElementById(\"error\");\n"
    "const french = document.documentElement.lang === \"fr\";\n"
    "function show(text) {\n"
    "  error.textContent = text;\n"
    "  error.className = text ? \"error\" : \"\";\n"
    "}\n"
    "async function logIn() {\n"
    "  const body = {};\n"
    "  for (const [name, value] of new URLSearchParams(location.search)) {\n"
    "    body[name] = name === \"refresh_token\" ? value === \"true\" : value;\n"
    "  }\n"
    "  body.type = \"m.login.password\";\n"
    "  body.identifier = {type: \"m.id.user\", user: form.elements.user.value};\n"
    "  body.password = form.elements.password.value;\n"
    "  const answer = await fetch(\"/_matrix/client/v3/login\", {\n"
    "    method: \"POST\",\n"
    "    headers: {\"Content-Type\": \"application/json\"},\n"
    "    body: JSON.stringify(body),\n"
    "  });\n"
    "  const json = await answer.json();\n"
    "  if (!answer.ok) {\n"
    "    throw new Error(json.error);\n"
    "  }\n"
    "  if (window.matrixLogin && window.matrixLogin.onLogin) {\n"
    "    window.matrixLogin.onLogin(json);\n"
    "  }\n"
    "}\n"
    "form.addEventListener(\"submit\", async (event) => {\n"
    "  event.preventDefault();\n"
    "  show(\"\");\n"
    "  try {\n"
    "    await logIn();\n"
    "  } catch (failure) {\n"
    "    show((french ? \"La connexion a échoué : \" : \"Login failed: \") + failure.message);\n"
    "    form.elements.password.focus();\n"
    "  }\n"
    "});\n";

static enum errcode respond_script(struct request *req, const char *script)
{
    char *copy = strdup(script);

    if (copy == NULL)
        return E_SYSTEM;
    response_header(req, "X-Content-Type-Options", "nosniff");
    return respond_bytes(req, 200, "text/javascript; charset=utf-8", copy, strlen(copy));
}

/* GET /_beffroi/static/login.js */
enum errcode web_get_login_script(struct request *req)
{
    return respond_script(req, login_script);
}

/* GET /_beffroi/static/uia.js */
enum errcode web_get_uia_script(struct request *req)
{
    return respond_script(req, uia_script);
}
