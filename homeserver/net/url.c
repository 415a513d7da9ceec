/* Web addresses, read by the library that calls them, so that both see the same host in them. */
#include "homeserver/net/url.h"

#include <curl/curl.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"

static void release_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

/* NULL when the address has no such part. */
static const char *part_of(struct arena *arena, CURLU *url, CURLUPart part)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
        return NULL;
    const char *copy = arena_strdup(arena, text);
    curl_free(text);
    return copy;
}

const char *url_resolve(struct arena *arena, const char *base, const char *url)
{
    SCOPED(release_url) CURLU *parts = curl_url();

    if (parts == NULL)
        return NULL;
    if (base != NULL && curl_url_set(parts, CURLUPART_URL, base, CURLU_URLENCODE) != CURLUE_OK)
        return NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_URLENCODE) != CURLUE_OK)
        return NULL;
    const char *scheme = part_of(arena, parts, CURLUPART_SCHEME);
    const char *host = part_of(arena, parts, CURLUPART_HOST);
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) ||
        host == NULL || part_of(arena, parts, CURLUPART_USER) != NULL ||
        part_of(arena, parts, CURLUPART_PASSWORD) != NULL ||
        curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
        return NULL;
    return part_of(arena, parts, CURLUPART_URL);
}
