#ifndef HOMESERVER_MEDIA_URL_PREVIEW_H
#define HOMESERVER_MEDIA_URL_PREVIEW_H

#include <jansson.h>

#include "homeserver/call.h"

/*
 * What a web page is about, for clients to show below a link. Made once a day for an address,
 * whoever asks. Spec: client-server API, "Content repository", preview_url.
 */
struct url_preview_wish {
    const char *url;
    int64_t ts;              /* the day whose preview is wanted; ms since 1970 */
    const char *server_name; /* the hosted domain whose media the picture becomes */
};

/*
 * OpenGraph data, borrowed from the call's arena; {} when the page says nothing. M_UNRECOGNIZED
 * when previews are off; M_INVALID_PARAM when it is no web address; otherwise as web_fetch(). What
 * failed is not tried again for some minutes.
 */
enum errcode url_preview_find(struct call *call, const struct url_preview_wish *wish,
                              json_t **out) MUST_CHECK;

#endif
