/* Spec: client-server API, "Server contact information" (support.yaml). */
#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"

/* GET /.well-known/matrix/support */
enum errcode client_get_wellknown_support(struct request *req)
{
    const struct config_domain *domain = request_domain(req);
    json_t *answer;

    if (domain->support_email == NULL && domain->support_page == NULL)
        return fail(&req->error, M_NOT_FOUND, "This server names no contacts.");
    answer = json_pack("{s:s*}", "support_page", domain->support_page);
    if (domain->support_email != NULL)
        json_object_set_new(answer, "contacts",
                            json_pack("[{s:s, s:s}]", "email_address", domain->support_email,
                                      "role", "m.role.admin"));
    return respond(req, 200, answer);
}
