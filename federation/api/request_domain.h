#ifndef FEDERATION_API_REQUEST_DOMAIN_H
#define FEDERATION_API_REQUEST_DOMAIN_H

struct config_domain;
struct request;

/* The hosted domain that an unsigned request is for: the one that its Host header names, with or
 * without a port, else the first of the configuration. Never NULL. */
const struct config_domain *federation_request_domain(struct request *req);

#endif
