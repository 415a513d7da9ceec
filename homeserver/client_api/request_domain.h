#ifndef HOMESERVER_CLIENT_API_REQUEST_DOMAIN_H
#define HOMESERVER_CLIENT_API_REQUEST_DOMAIN_H

struct config_domain;
struct request;

/* The hosted domain a request that names no user is for: the one whose name or client address its
 * Host header shows, else the first of the configuration. Never NULL. */
const struct config_domain *request_domain(struct request *req);

/* Where clients reach this domain: its configured address, or that of this request. */
const char *request_client_base_url(struct request *req, const struct config_domain *domain);

#endif
