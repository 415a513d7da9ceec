#ifndef HOMESERVER_MEDIA_PREVIEWER_PAGE_H
#define HOMESERVER_MEDIA_PREVIEWER_PAGE_H

#include <stddef.h>

/*
 * What an HTML page says about itself: OpenGraph (https://ogp.me), and what stands in for it where
 * there is none. Pure.
 */
enum {
    PAGE_NAME_BYTES_MAX = 64,
    PAGE_VALUE_BYTES_MAX = 2048, /* longer ones are cut at a character */
    PAGE_FACTS_MAX = 64,
};

/* Called with each fact: "og:title", "og:description", "og:image" …; "base" for the address that
 * relative ones start from; "oembed" for the address of a description in JSON. The first fact of a
 * name counts. Both texts are UTF-8 and borrowed until it returns. */
typedef void (*page_fact)(void *context, const char *name, const char *value);

/* `charset` as the server told it; NULL: the page may say, or it is UTF-8. */
void page_describe(const char *bytes, size_t size, const char *charset, page_fact fact,
                   void *context);

#endif
