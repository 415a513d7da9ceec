/* Mails about accounts: short, plain, bilingual texts; {{server}} and {{link}} are filled in. */
#include "homeserver/accounts/mailer.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/net/smtp.h"
#include "homeserver/services.h"

enum { MAIL_BYTES_MAX = 16384 };

struct template
{
    const char *subject;
    const char *english;
    const char *french;
};

static const struct template templates[] = {
    [MAIL_CONFIRM_REGISTRATION] =
        {
            "Confirm your e-mail address / Confirmez votre adresse e-mail",
            "Somebody, probably you, is making an account on {{server}} with this e-mail address.\n"
            "To confirm it, open this page:\n\n{{link}}\n\n"
            "If it was not you, ignore this message: nothing happens.\n",
            "Quelqu’un, sans doute vous, crée un compte sur {{server}} avec cette adresse.\n"
            "Pour la confirmer, ouvrez cette page :\n\n{{link}}\n\n"
            "Si ce n’était pas vous, ignorez ce message : rien ne se passera.\n",
        },
    [MAIL_CONFIRM_ADDRESS] =
        {
            "Confirm your e-mail address / Confirmez votre adresse e-mail",
            "Somebody, probably you, is adding this e-mail address to an account on {{server}}.\n"
            "To confirm it, open this page:\n\n{{link}}\n\n"
            "If it was not you, ignore this message: nothing happens.\n",
            "Quelqu’un, sans doute vous, ajoute cette adresse à un compte sur {{server}}.\n"
            "Pour la confirmer, ouvrez cette page :\n\n{{link}}\n\n"
            "Si ce n’était pas vous, ignorez ce message : rien ne se passera.\n",
        },
    [MAIL_RESET_PASSWORD] =
        {
            "Choose a new password / Choisissez un nouveau mot de passe",
            "Somebody, probably you, wants a new password for the account on {{server}} with this\n"
            "e-mail address. To allow it, open this page, then return to your application:\n\n"
            "{{link}}\n\n"
            "If it was not you, do not open the page: your password stays as it is.\n",
            "Quelqu’un, sans doute vous, demande un nouveau mot de passe pour le compte de "
            "{{server}}\n"
            "qui a cette adresse. Pour l’autoriser, ouvrez cette page, puis revenez à votre\n"
            "application :\n\n{{link}}\n\n"
            "Si ce n’était pas vous, n’ouvrez pas la page : votre mot de passe ne change pas.\n",
        },
    [MAIL_ADDRESS_IN_USE] =
        {
            "You have an account / Vous avez un compte",
            "Somebody, probably you, wanted to use this e-mail address for an account on "
            "{{server}}.\n"
            "But it already belongs to an account there. If you forgot its password, ask for a "
            "new\n"
            "one in your application.\n",
            "Quelqu’un, sans doute vous, a voulu utiliser cette adresse pour un compte sur\n"
            "{{server}}. Mais elle appartient déjà à un compte. Si vous en avez oublié le mot de\n"
            "passe, demandez-en un nouveau dans votre application.\n",
        },
    [MAIL_NO_ACCOUNT] =
        {
            "No account with this address / Aucun compte avec cette adresse",
            "Somebody, probably you, wanted a new password for an account on {{server}} with this\n"
            "e-mail address. But no account has it: perhaps you used another address.\n",
            "Quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour un compte sur\n"
            "{{server}} avec cette adresse. Mais aucun compte ne l’a : peut-être en avez-vous\n"
            "utilisé une autre.\n",
        },
};

static void finish_strbuf(struct strbuf *buf)
{
    strbuf_finish(buf);
}

static void fill_in(struct strbuf *out, const char *text, const struct mail *mail)
{
    for (const char *open; (open = strstr(text, "{{")) != NULL;) {
        strbuf_add(out, text, (size_t)(open - text));
        strbuf_add_string(out, open[2] == 's' ? mail->server_name : mail->link);
        text = strstr(open, "}}") + 2;
    }
    strbuf_add_string(out, text);
}

static const char *text_of(struct call *call, const struct mail *mail)
{
    SCOPED(finish_strbuf) struct strbuf text;

    strbuf_init(&text, MAIL_BYTES_MAX);
    fill_in(&text, templates[mail->kind].french, mail);
    strbuf_add_string(&text, "\n-- \n\n");
    fill_in(&text, templates[mail->kind].english, mail);
    return arena_strndup(call->arena, text.data, text.length);
}

bool mailer_is_on(const struct call *call)
{
    return config_current(call->services->config)->mail.smtp_url != NULL;
}

enum errcode mailer_post(struct call *call, const struct smtp_message *message)
{
    const struct config *config = config_current(call->services->config);
    const struct smtp_relay relay = {
        .url = config->mail.smtp_url,
        .username = config->mail.username,
        .password = config->mail.password,
        .ca_file = config->outgoing.ca_file,
    };
    struct smtp_message sent = *message;

    sent.from = config->mail.from;
    return smtp_send(call->arena, &relay, &sent, call->error);
}

enum errcode mailer_send(struct call *call, const struct mail *mail)
{
    const struct smtp_message message = {
        .to = mail->to,
        .subject = templates[mail->kind].subject,
        .text = text_of(call, mail),
    };

    return mailer_post(call, &message);
}
