/* What login.yaml and registration.yaml have in common. */
#include "homeserver/client_api/session_answer.h"

#include "config/config.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"

static void add_well_known(struct request *req, json_t *answer, const char *server_name)
{
    const struct config_domain *domain =
        config_find_domain(config_current(req->call.services->config), server_name);

    if (domain != NULL && domain->client_base_url != NULL)
        json_object_set_new(
            answer, "well_known",
            json_pack("{s:{s:s}}", "m.homeserver", "base_url", domain->client_base_url));
}

enum errcode session_answer(struct request *req, const char *user_id, const struct session *session)
{
    const char *server_name = identifier_domain(user_id);
    json_t *answer = json_pack("{s:s, s:s}", "user_id", user_id, "home_server", server_name);

    if (session != NULL) {
        json_object_set_new(answer, "access_token", json_string(session->access_token));
        json_object_set_new(answer, "device_id", json_string(session->device_id));
        if (session->refresh_token != NULL) {
            json_object_set_new(answer, "refresh_token", json_string(session->refresh_token));
            json_object_set_new(answer, "expires_in_ms", json_integer(session->expires_in_ms));
        }
        add_well_known(req, answer, server_name);
    }
    response_header(req, "Cache-Control", "no-store");
    return respond(req, 200, answer);
}

enum errcode session_draft_read(struct request *req, struct session_draft *out)
{
    TRY(body_string_optional(req, "device_id", &out->device_id));
    TRY(body_string_optional(req, "initial_device_display_name", &out->display_name));
    return body_bool_optional(req, "refresh_token", false, &out->wants_refresh_token);
}
