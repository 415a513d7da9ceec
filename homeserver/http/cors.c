/* Cross-origin resource sharing: tokens travel in a header, never in a cookie, so any origin may
 * ask. */
#include "homeserver/http/cors.h"

#include <microhttpd.h>
#include <stddef.h>

#include "homeserver/base/compiler.h"

/* The specification wants the first three on every answer. */
static const char *const headers[][2] = {
    {"Access-Control-Allow-Origin", "*"},
    {"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"},
    {"Access-Control-Allow-Headers",
     "X-Requested-With, Content-Type, Authorization, Date, If-Match, If-None-Match"},
    {"Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-ID"},
};

void cors_add_headers(struct MHD_Response *response, bool is_preflight)
{
    if (is_preflight)
        MHD_add_response_header(response, "Access-Control-Max-Age", "86400");
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
}
