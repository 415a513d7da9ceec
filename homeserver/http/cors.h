#ifndef HOMESERVER_HTTP_CORS_H
#define HOMESERVER_HTTP_CORS_H

#include <stdbool.h>

struct MHD_Response;

/* The headers that let web clients of any origin use the API: they are on every response, errors
 * too [client-server API, "Web Browser Clients"]. */
void cors_add_headers(struct MHD_Response *response, bool is_preflight);

#endif
