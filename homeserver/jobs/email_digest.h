#ifndef HOMESERVER_JOBS_EMAIL_DIGEST_H
#define HOMESERVER_JOBS_EMAIL_DIGEST_H

#include <jansson.h>

#include "homeserver/call.h"

/*
 * The mail about what somebody has not read, in French or English, as text and as HTML. What people
 * wrote is escaped, cut and freed of control characters; nothing in it is loaded from elsewhere.
 */
struct email_digest {
    const char *language;    /* of the pusher: "fr", "fr-CH", …; all else is English */
    const char *server_name; /* which domain speaks */
    const char *unsubscribe_url;
    json_t *const *notifications; /* as push_notification_make() makes them, oldest first */
    size_t count;
    bool with_details; /* otherwise only how many there are */
};

/* On the call's arena. */
struct email_texts {
    const char *subject;
    const char *text;
    const char *html;
};
struct email_texts email_digest_write(struct call *call, const struct email_digest *digest);

#endif
