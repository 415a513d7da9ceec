#ifndef HOMESERVER_MEDIA_WEB_FETCH_H
#define HOMESERVER_MEDIA_WEB_FETCH_H

#include "homeserver/call.h"
#include "homeserver/media/media_intake.h"

/*
 * Fetching what a user names from the web, by the rules of the section url_previews: never from an
 * address of our own network (also by redirect, also by DNS), never from denied ones, no more than
 * a few redirects, a few seconds and what a preview needs of bytes. Each redirect is judged like
 * the first address.
 */
enum web_kind {
    WEB_PAGE = 1,    /* HTML; of a long one only the beginning is read */
    WEB_PICTURE = 2, /* image/… */
    WEB_EMBED = 4,   /* the JSON of oEmbed */
};

struct web_document {
    enum web_kind kind;        /* 0: none of the wanted kinds, and no body was read */
    const char *url;           /* where it was in the end */
    const char *content_type;  /* as told; never NULL */
    struct media_intake *body; /* for the caller to destroy; NULL when kind is 0 */
};

/* `kinds` are the wanted ones. M_FORBIDDEN for a denied address, M_TOO_LARGE (status 502),
 * E_REMOTE, E_TIMEOUT; any status but 200 is E_REMOTE. */
enum errcode web_fetch(struct call *call, const char *url, unsigned kinds,
                       struct web_document *out) MUST_CHECK;

#endif
