/* Several domains at one address: which one is meant. */
#include "federation/api/request_domain.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/services.h"

static bool is_address_of(const struct config_domain *domain, const char *host)
{
    size_t length = strlen(host);

    return domain->federation_address != NULL &&
           strncmp(domain->federation_address, host, length) == 0 &&
           (domain->federation_address[length] == '\0' ||
            domain->federation_address[length] == ':');
}

const struct config_domain *federation_request_domain(struct request *req)
{
    const struct config *config = config_current(req->call.services->config);
    const struct config_domain *domain = config_find_domain(config, req->host);
    struct server_name parsed;

    if (domain == NULL && server_name_parse(req->host, &parsed) &&
        parsed.port != SERVER_NAME_NO_PORT)
        domain = config_find_domain(config,
                                    arena_strndup(req->call.arena, req->host,
                                                  (size_t)(strrchr(req->host, ':') - req->host)));
    for (size_t i = 0; domain == NULL && *req->host != '\0' && i < config->domain_count; i++) {
        if (is_address_of(&config->domains[i], req->host))
            domain = &config->domains[i];
    }
    return domain != NULL ? domain : &config->domains[0];
}
