#ifndef HOMESERVER_NET_SMTP_H
#define HOMESERVER_NET_SMTP_H

#include "homeserver/base/error.h"

struct arena;

/* Sending one e-mail through the administrator's mail server. Blocks for at most 30 seconds: only
 * on CALLS_OUT routes and in jobs. Thread-safe. */

/* Strings are borrowed; those marked so may be NULL. */
struct smtp_relay {
    const char *url;      /* smtp://host:port or smtps://host:port */
    const char *username; /* NULL: no log-in; otherwise the connection must be encrypted */
    const char *password;
    const char *ca_file; /* PEM; NULL: the system's authorities */
};

/* UTF-8 texts. `to` is a bare address; it must hold no space, comma, angle bracket or control
 * character. Lines of `text` end in "\n". */
struct smtp_message {
    const char *from; /* "address" or "Name <address>" */
    const char *to;
    const char *subject;
    const char *text;
    const char *html;            /* the same for readers that show HTML; NULL: text only */
    const char *unsubscribe_url; /* which ends such mails by one POST (RFC 8058); NULL: none */
};

/* OK when the mail server has taken the message. E_REMOTE or E_TIMEOUT with what curl says;
 * M_INVALID_PARAM when the mail server refuses the recipient. */
enum errcode smtp_send(struct arena *arena, const struct smtp_relay *relay,
                       const struct smtp_message *message, struct error *error) MUST_CHECK;

#endif
