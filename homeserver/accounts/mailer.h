#ifndef HOMESERVER_ACCOUNTS_MAILER_H
#define HOMESERVER_ACCOUNTS_MAILER_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct call;

/* The mails that accounts need. Each is in French and English, since nobody knows what the owner of
 * an unknown address reads. */
enum mail_kind {
    MAIL_CONFIRM_REGISTRATION, /* somebody makes an account with this address */
    MAIL_CONFIRM_ADDRESS,      /* somebody adds this address to an account */
    MAIL_RESET_PASSWORD,       /* somebody forgot the password of the account with this address */
    MAIL_ADDRESS_IN_USE,       /* instead of the first two: an account has the address */
    MAIL_NO_ACCOUNT            /* instead of the third: no account has it */
};

struct mail {
    enum mail_kind kind;
    const char *to;
    const char *server_name; /* which domain speaks */
    const char *link;        /* what to click; unused by the last two kinds */
};

/* Whether the administrator has configured a mail server. */
bool mailer_is_on(const struct call *call);

/* Waits for the mail server: only on CALLS_OUT routes. Errors as smtp_send() says. */
enum errcode mailer_send(struct call *call, const struct mail *mail) MUST_CHECK;

/* Any other message, by the same server and from the same address: `from` is filled in. */
struct smtp_message;
enum errcode mailer_post(struct call *call, const struct smtp_message *message) MUST_CHECK;

#endif
