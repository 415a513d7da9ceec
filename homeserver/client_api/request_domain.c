/* One installation may host several domains; requests without a user choose theirs by Host. */
#include "homeserver/client_api/request_domain.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/services.h"

/* Host and port of a URL, without a path behind them. */
static bool url_has_authority(const char *url, const char *authority)
{
    const char *start = url != NULL ? strstr(url, "://") : NULL;
    size_t length = strlen(authority);

    return start != NULL && length > 0 && strncmp(start + 3, authority, length) == 0 &&
           (start[3 + length] == '\0' || start[3 + length] == '/');
}

static const char *without_port(struct arena *arena, const char *host)
{
    struct server_name parsed;

    if (!server_name_parse(host, &parsed) || parsed.port == SERVER_NAME_NO_PORT)
        return host;
    return arena_strndup(arena, host, (size_t)(strrchr(host, ':') - host));
}

const struct config_domain *request_domain(struct request *req)
{
    const struct config *config = config_current(req->call.services->config);
    const struct config_domain *domain = config_find_domain(config, req->host);

    if (domain == NULL)
        domain = config_find_domain(config, without_port(req->call.arena, req->host));
    for (size_t i = 0; domain == NULL && i < config->domain_count; i++) {
        if (url_has_authority(config->domains[i].client_base_url, req->host))
            domain = &config->domains[i];
    }
    return domain != NULL ? domain : &config->domains[0];
}

const char *request_client_base_url(struct request *req, const struct config_domain *domain)
{
    if (domain->client_base_url != NULL)
        return domain->client_base_url;
    /* .well-known is only ever fetched over https. */
    return arena_printf(req->call.arena, "https://%s",
                        server_name_is_valid(req->host) ? req->host : domain->name);
}
