/* Reading HTML forms. */
#include "homeserver/web/form.h"

#include <string.h>

#include "homeserver/http/percent.h"
#include "homeserver/http/request.h"

const char *form_field(struct request *req, const char *name)
{
    size_t size, name_length = strlen(name);
    const char *at = request_body_bytes(req, &size);
    const char *end = at + size;

    while (at < end) {
        const char *pair_end = memchr(at, '&', (size_t)(end - at));

        if (pair_end == NULL)
            pair_end = end;
        if ((size_t)(pair_end - at) > name_length && strncmp(at, name, name_length) == 0 &&
            at[name_length] == '=')
            return percent_decode(req->call.arena, at + name_length + 1,
                                  (size_t)(pair_end - at) - name_length - 1, true);
        at = pair_end < end ? pair_end + 1 : end;
    }
    return NULL;
}

enum errcode form_check_origin(struct request *req)
{
    const char *origin = request_header(req, "Origin");
    const char *site = request_header(req, "Sec-Fetch-Site");
    const char *host = origin != NULL ? strstr(origin, "://") : NULL;

    if ((site != NULL && strcmp(site, "cross-site") == 0) ||
        (host != NULL && strcmp(host + 3, req->host) != 0))
        return fail(&req->error, M_FORBIDDEN, "The form was sent from another site.");
    return OK;
}
