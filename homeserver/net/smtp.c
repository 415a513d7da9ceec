/*
 * E-mail through libcurl: RFC 5321 for the way, MIME by curl_mime, RFC 2047 for headers that are
 * not ASCII.
 */
#include "homeserver/net/smtp.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    TIMEOUT_MS = 30 * 1000,
    MESSAGE_ID_CHARS = 24,
    ENCODED_WORD_CHARS_MAX = 75, /* RFC 2047, section 2 */
    HEADER_BYTES_MAX = 8192,
};

/* What one message needs; released as a whole. */
struct sending {
    CURL *curl;
    struct curl_slist *headers, *recipients;
    curl_mime *mime;
};

static void release_sending(struct sending *sending)
{
    curl_mime_free(sending->mime);
    curl_slist_free_all(sending->headers);
    curl_slist_free_all(sending->recipients);
    curl_easy_cleanup(sending->curl);
}

static void finish_strbuf(struct strbuf *buf)
{
    strbuf_finish(buf);
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    }
    return true;
}

/* The text for a header: as it is, or as encoded words ("Q", RFC 2047). A line break can not get
 * through: it is encoded like every control character. */
static const char *header_text(struct arena *arena, const char *text)
{
    static const char start[] = "=?utf-8?q?", end[] = "?=";
    SCOPED(finish_strbuf) struct strbuf out;
    size_t length = strlen(text), line_start = 0;

    if (is_plain(text))
        return text;
    strbuf_init(&out, HEADER_BYTES_MAX);
    strbuf_add_string(&out, start);
    for (size_t at = 0, size; at < length; at += size) {
        size = utf8_character_bytes(text + at, length - at);
        if (out.length - line_start + 3 * size + strlen(end) > ENCODED_WORD_CHARS_MAX) {
            strbuf_printf(&out, "%s\r\n ", end);
            line_start = out.length;
            strbuf_add_string(&out, start);
        }
        for (size_t i = 0; i < size; i++)
            strbuf_printf(&out, "=%02X", (unsigned char)text[at + i]);
    }
    strbuf_add_string(&out, end);
    return arena_strndup(arena, out.data, out.length);
}

/* "Name <address>" in two parts; the name is "" when there is only an address. */
static void split_sender(struct arena *arena, const char *from, const char **name_out,
                         const char **address_out)
{
    const char *open = strrchr(from, '<');
    size_t name_length = open != NULL ? (size_t)(open - from) : 0;

    while (name_length > 0 && from[name_length - 1] == ' ')
        name_length--;
    *name_out = arena_strndup(arena, from, name_length);
    *address_out = open != NULL ? arena_strndup(arena, open + 1, strcspn(open + 1, ">")) : from;
}

static void add_header(struct sending *sending, struct arena *arena, const char *name,
                       const char *value)
{
    const char *line = arena_printf(arena, "%s: %s", name, value);

    sending->headers = curl_slist_append(sending->headers, line);
}

static void add_headers(struct sending *sending, struct arena *arena,
                        const struct smtp_message *message)
{
    const char *name, *address, *domain;
    char date[64];
    time_t now = time(NULL);
    struct tm utc;

    split_sender(arena, message->from, &name, &address);
    domain = strrchr(address, '@');
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &utc));
    add_header(sending, arena, "Date", date);
    add_header(sending, arena, "From",
               name[0] != '\0' ? arena_printf(arena, "%s <%s>", header_text(arena, name), address)
                               : address);
    add_header(sending, arena, "To", message->to);
    add_header(sending, arena, "Subject", header_text(arena, message->subject));
    add_header(sending, arena, "Message-ID",
               arena_printf(arena, "<%s%s>", random_token(arena, MESSAGE_ID_CHARS),
                            domain != NULL ? domain : "@localhost"));
    /* RFC 3834: nobody's holiday notice answers. */
    add_header(sending, arena, "Auto-Submitted", "auto-generated");
    if (message->unsubscribe_url != NULL) {
        add_header(sending, arena, "List-Unsubscribe",
                   arena_printf(arena, "<%s>", message->unsubscribe_url));
        add_header(sending, arena, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    }

    curl_easy_setopt(sending->curl, CURLOPT_HTTPHEADER, sending->headers);
    curl_easy_setopt(sending->curl, CURLOPT_MAIL_FROM, arena_printf(arena, "<%s>", address));
    sending->recipients =
        curl_slist_append(sending->recipients, arena_printf(arena, "<%s>", message->to));
    curl_easy_setopt(sending->curl, CURLOPT_MAIL_RCPT, sending->recipients);
}

static void add_part(curl_mime *mime, const char *type, const char *text)
{
    curl_mimepart *part = curl_mime_addpart(mime);

    curl_mime_data(part, text, CURL_ZERO_TERMINATED);
    curl_mime_type(part, type);
    curl_mime_encoder(part, "quoted-printable");
}

static void add_body(struct sending *sending, const struct smtp_message *message)
{
    curl_mime *alternatives = curl_mime_init(sending->curl);
    curl_mimepart *part;

    add_part(alternatives, "text/plain; charset=utf-8", message->text);
    if (message->html != NULL)
        add_part(alternatives, "text/html; charset=utf-8", message->html);
    sending->mime = curl_mime_init(sending->curl);
    part = curl_mime_addpart(sending->mime);
    curl_mime_subparts(part, alternatives);
    curl_mime_type(part, "multipart/alternative");
    curl_easy_setopt(sending->curl, CURLOPT_MIMEPOST, sending->mime);
}

static void set_relay(CURL *curl, const struct smtp_relay *relay)
{
    curl_easy_setopt(curl, CURLOPT_URL, relay->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    /* A password never travels in the clear, even when somebody cuts STARTTLS out. */
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     (long)(relay->username != NULL ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (relay->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, relay->ca_file);
    if (relay->username != NULL) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, relay->username);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, relay->password);
    }
}

/* Curl's texts name the host, never the recipient. */
static enum errcode outcome_of(CURL *curl, CURLcode result, struct error *error)
{
    long status = 0;

    if (result == CURLE_OK)
        return OK;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    /* 550 to 553: no such mailbox, not this one, no such name. */
    if (result == CURLE_SEND_ERROR && status >= 550 && status <= 553)
        return fail(error, M_INVALID_PARAM, "The mail server does not take this address.");
    if (result == CURLE_OPERATION_TIMEDOUT)
        return fail(error, E_TIMEOUT, "The mail server did not answer in time.");
    return fail(error, E_REMOTE, "The mail server took no message: %s (%ld).",
                curl_easy_strerror(result), status);
}

enum errcode smtp_send(struct arena *arena, const struct smtp_relay *relay,
                       const struct smtp_message *message, struct error *error)
{
    SCOPED(release_sending) struct sending sending = {.curl = curl_easy_init()};

    if (sending.curl == NULL)
        return E_SYSTEM;
    set_relay(sending.curl, relay);
    add_headers(&sending, arena, message);
    add_body(&sending, message);
    return outcome_of(sending.curl, curl_easy_perform(sending.curl), error);
}
