/* Writing mails about unread messages. */
#include "homeserver/jobs/email_digest.h"

#include <string.h>
#include <strings.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"
#include "homeserver/protocol/json.h"

enum { MAIL_BYTES_MAX = 256 << 10, LINE_BYTES_MAX = 240 };

struct words {
    const char *tag;
    const char *one, *many, *on; /* "2 unread messages on example.org" */
    const char *encrypted, *invites, *other;
    const char *with; /* a room without a name is named by who wrote */
    const char *read_them, *unsubscribe, *colon;
};

static const struct words english = {
    .tag = "en",
    .one = "One unread message",
    .many = "unread messages",
    .on = "on",
    .encrypted = "Encrypted message",
    .invites = "invites you",
    .other = "New event",
    .with = "Conversation with",
    .read_them = "To read on, open your application.",
    .unsubscribe = "Get no more of these mails",
    .colon = ": ",
};

static const struct words french = {
    .tag = "fr",
    .one = "Un message non lu",
    .many = "messages non lus",
    .on = "sur",
    .encrypted = "Message chiffré",
    .invites = "vous invite",
    .other = "Nouvel événement",
    .with = "Conversation avec",
    .read_them = "Pour lire la suite, ouvrez votre application.",
    .unsubscribe = "Ne plus recevoir ces messages",
    .colon = " : ",
};

struct writer {
    struct arena *arena;
    const struct words *words;
    struct strbuf text, html;
};

/* U+202A to U+202E and U+2066 to U+2069. */
static bool turns_direction(const char *character)
{
    const unsigned char *bytes = (const unsigned char *)character;

    return bytes[0] == 0xe2 && ((bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
                                (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));
}

/* One line of at most so many bytes, without what moves a cursor or turns the direction of text. */
static const char *one_line(struct arena *arena, const char *text)
{
    char *line = arena_strndup(arena, text, strlen(text));
    size_t length = strlen(line), out = 0;

    for (size_t at = 0, size; at < length && out < LINE_BYTES_MAX; at += size) {
        size = utf8_character_bytes(line + at, length - at);
        bool turns = size == 3 && turns_direction(line + at);
        if (size == 1 && ((unsigned char)line[at] < ' ' || line[at] == 0x7f)) {
            line[out++] = ' ';
        } else if (!turns) {
            memmove(line + out, line + at, size);
            out += size;
        }
    }
    line[out] = '\0';
    return line;
}

static const char *sender_of(struct writer *writer, json_t *notification)
{
    const char *name = json_get_string(notification, "sender_display_name");

    if (name == NULL || *name == '\0')
        name = json_get_string(notification, "sender");
    return one_line(writer->arena, name != NULL ? name : "");
}

static const char *room_of(struct writer *writer, json_t *notification)
{
    const char *name = json_get_string(notification, "room_name");

    if (name == NULL || *name == '\0')
        name = json_get_string(notification, "room_alias");
    if (name != NULL)
        return one_line(writer->arena, name);
    return arena_printf(writer->arena, "%s %s", writer->words->with,
                        sender_of(writer, notification));
}

static const char *content_of(struct writer *writer, json_t *notification)
{
    const char *type = json_get_string(notification, "type");
    const char *body = json_get_string(json_object_get(notification, "content"), "body");

    if (type != NULL && strcmp(type, "m.room.encrypted") == 0)
        return writer->words->encrypted;
    if (type != NULL && strcmp(type, "m.room.member") == 0)
        return writer->words->invites;
    return body != NULL ? one_line(writer->arena, body) : writer->words->other;
}

static bool is_of_room(json_t *notification, const char *room_id)
{
    const char *own = json_get_string(notification, "room_id");

    return own != NULL && strcmp(own, room_id) == 0;
}

static void write_message(struct writer *writer, json_t *notification)
{
    const char *sender = sender_of(writer, notification);
    const char *content = content_of(writer, notification);

    strbuf_printf(&writer->text, "  %s%s%s\n", sender, writer->words->colon, content);
    strbuf_add_string(&writer->html, "<li><strong>");
    strbuf_add_html(&writer->html, sender);
    strbuf_add_string(&writer->html, "</strong>");
    strbuf_add_html(&writer->html, writer->words->colon);
    strbuf_add_html(&writer->html, content);
    strbuf_add_string(&writer->html, "</li>");
}

/* The room of notification `first`, unless an earlier one was of it. */
static void write_room(struct writer *writer, const struct email_digest *digest, size_t first)
{
    const char *room_id = json_get_string(digest->notifications[first], "room_id");
    const char *name = room_of(writer, digest->notifications[first]);

    for (size_t i = 0; room_id != NULL && i < first; i++) {
        if (is_of_room(digest->notifications[i], room_id))
            return;
    }
    strbuf_printf(&writer->text, "%s\n", name);
    strbuf_add_string(&writer->html, "<h2>");
    strbuf_add_html(&writer->html, name);
    strbuf_add_string(&writer->html, "</h2><ul>");
    for (size_t i = first; room_id != NULL && i < digest->count; i++) {
        if (is_of_room(digest->notifications[i], room_id))
            write_message(writer, digest->notifications[i]);
    }
    strbuf_add_char(&writer->text, '\n');
    strbuf_add_string(&writer->html, "</ul>");
}

static void write_end(struct writer *writer, const char *unsubscribe_url)
{
    const struct words *words = writer->words;

    strbuf_printf(&writer->text, "%s\n\n-- \n%s%s%s\n", words->read_them, words->unsubscribe,
                  words->colon, unsubscribe_url);
    strbuf_printf(&writer->html, "<p>%s</p><p><a href=\"", words->read_them);
    strbuf_add_html(&writer->html, unsubscribe_url);
    strbuf_printf(&writer->html, "\">%s</a></p></body></html>\n", words->unsubscribe);
}

static const char *subject_of(struct writer *writer, const struct email_digest *digest)
{
    const char *what = writer->words->one;

    if (digest->count > 1)
        what = arena_printf(writer->arena, "%zu %s", digest->count, writer->words->many);
    return arena_printf(writer->arena, "%s %s %s", what, writer->words->on, digest->server_name);
}

struct email_texts email_digest_write(struct call *call, const struct email_digest *digest)
{
    struct writer writer = {.arena = call->arena, .words = &english};
    struct email_texts texts;

    if (strncasecmp(digest->language, "fr", 2) == 0)
        writer.words = &french;
    strbuf_init(&writer.text, MAIL_BYTES_MAX);
    strbuf_init(&writer.html, MAIL_BYTES_MAX);
    texts.subject = subject_of(&writer, digest);
    strbuf_printf(&writer.text, "%s\n\n", texts.subject);
    strbuf_printf(&writer.html,
                  "<!DOCTYPE html><html lang=\"%s\"><head><meta charset=\"utf-8\"><title>",
                  writer.words->tag);
    strbuf_add_html(&writer.html, texts.subject);
    strbuf_add_string(&writer.html, "</title></head><body><h1>");
    strbuf_add_html(&writer.html, texts.subject);
    strbuf_add_string(&writer.html, "</h1>");
    for (size_t i = 0; digest->with_details && i < digest->count; i++)
        write_room(&writer, digest, i);
    write_end(&writer, digest->unsubscribe_url);
    texts.text = arena_strndup(call->arena, writer.text.data, writer.text.length);
    texts.html = arena_strndup(call->arena, writer.html.data, writer.html.length);
    strbuf_finish(&writer.text);
    strbuf_finish(&writer.html);
    return texts;
}
