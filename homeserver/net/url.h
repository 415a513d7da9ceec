#ifndef HOMESERVER_NET_URL_H
#define HOMESERVER_NET_URL_H

struct arena;

/*
 * Web addresses that strangers wrote. The address as it can be called, on the arena: relative ones
 * (`base` not NULL) made absolute, without fragment; NULL unless it is http or https, has a host
 * and no user name or password. `base` may be NULL.
 */
const char *url_resolve(struct arena *arena, const char *base, const char *url);

#endif
