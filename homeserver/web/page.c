/* The frame of all pages and the few elements they are made of. */
#include "homeserver/web/page.h"

#include <string.h>
#include <strings.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"

enum { PAGE_BYTES_MAX = 65536 };

static const char *const language_tags[LANGUAGE_COUNT] = {
    [LANGUAGE_ENGLISH] = "en",
    [LANGUAGE_FRENCH] = "fr",
};

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--line:#595959;--accent:#000070;"
    "--on-accent:#fff;--error:#8f0000}"
    "@media(prefers-color-scheme:dark){:root{--ink:#f2f2f2;--paper:#161616;--line:#b3b3b3;"
    "--accent:#b9b9ff;--on-accent:#161616;--error:#ffb3b3}}"
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}"
    "main{max-width:28rem;margin:0 auto;padding:2rem 1rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input{font:inherit;color:inherit;background:inherit;border:1px solid var(--line);"
    "border-radius:.25rem;padding:.5rem}"
    "input:not([type=checkbox]){width:100%;box-sizing:border-box}"
    ".choice{display:flex;gap:.75rem;align-items:baseline;margin-top:1rem}.choice label{margin:0}"
    "button{font:inherit;font-weight:600;margin-top:1.5rem;padding:.625rem 1.25rem;border:0;"
    "border-radius:.25rem;color:var(--on-accent);background:var(--accent)}"
    "a{color:var(--accent)}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    ".error{color:var(--error);border-left:.25rem solid;padding-left:.75rem;font-weight:600}";

/* Tags in order of the header; weights are ignored, as browsers send them sorted. */
enum language page_language(struct request *req)
{
    const char *header = request_header(req, "Accept-Language");

    for (const char *tag = header; tag != NULL && *tag != '\0'; tag += strspn(tag, ", ")) {
        size_t length = strcspn(tag, ",;- ");

        for (int i = 0; i < LANGUAGE_COUNT; i++) {
            if (length == strlen(language_tags[i]) &&
                strncasecmp(tag, language_tags[i], length) == 0)
                return (enum language)i;
        }
        tag += strcspn(tag, ",");
    }
    return LANGUAGE_ENGLISH;
}

/* `before`, the escaped text, `after`. */
static void add_around(struct strbuf *html, const char *before, const char *text, const char *after)
{
    strbuf_add_string(html, before);
    strbuf_add_html(html, text);
    strbuf_add_string(html, after);
}

static void add_input(struct strbuf *html, const struct page_field *field, bool has_error)
{
    add_around(html, "<input id=\"", field->name, "\"");
    add_around(html, " name=\"", field->name, "\"");
    add_around(html, " type=\"", field->type, "\" required");
    if (field->autocomplete != NULL)
        add_around(html, " autocomplete=\"", field->autocomplete, "\"");
    if (strcmp(field->type, "text") == 0)
        strbuf_add_string(html, " autocapitalize=\"none\" spellcheck=\"false\"");
    if (has_error)
        strbuf_add_string(html, " aria-invalid=\"true\"");
    strbuf_add_string(html, " aria-describedby=\"error\">");
}

static void add_label(struct strbuf *html, const struct page_field *field, enum language language)
{
    add_around(html, "<label for=\"", field->name, "\">");
    add_around(html, "", field->label.in[language], "</label>");
}

static void add_field(struct strbuf *html, const struct page_field *field, enum language language,
                      bool has_error)
{
    if (strcmp(field->type, "checkbox") == 0) {
        strbuf_add_string(html, "<p class=\"choice\">");
        add_input(html, field, has_error);
        add_label(html, field, language);
        strbuf_add_string(html, "</p>");
        return;
    }
    add_label(html, field, language);
    add_input(html, field, has_error);
}

static void add_form(struct strbuf *html, const struct page *page, enum language language)
{
    strbuf_add_string(html, "<form id=\"form\" method=\"post\"");
    if (page->action != NULL)
        add_around(html, " action=\"", page->action, "\"");
    strbuf_add_string(html, ">");
    for (size_t i = 0; i < page->hidden_count; i++) {
        add_around(html, "<input type=\"hidden\" name=\"", page->hidden[i].name, "\"");
        add_around(html, " value=\"", page->hidden[i].value, "\">");
    }
    for (size_t i = 0; i < page->field_count; i++)
        add_field(html, &page->fields[i], language, page->error != NULL);
    add_around(html, "<p><button type=\"submit\">", page->button->in[language],
               "</button></p></form>");
}

/* The element is always there, so that a script can fill it and it is read out. */
static void add_error(struct strbuf *html, const struct text *error, enum language language)
{
    strbuf_add_string(html, error != NULL ? "<p id=\"error\" role=\"alert\" class=\"error\">"
                                          : "<p id=\"error\" role=\"alert\">");
    if (error != NULL)
        strbuf_add_html(html, error->in[language]);
    strbuf_add_string(html, "</p>");
}

static void add_main(struct strbuf *html, const struct page *page, enum language language)
{
    add_around(html, "<main><h1>", page->title.in[language], "</h1>");
    if (page->intro != NULL)
        add_around(html, "<p>", page->intro->in[language], "</p>");
    if (page->link_label != NULL) {
        add_around(html, "<p><a href=\"", page->link_url, "\" target=\"_blank\" rel=\"noopener\">");
        add_around(html, "", page->link_label->in[language], "</a></p>");
    }
    add_error(html, page->error, language);
    if (page->button != NULL)
        add_form(html, page, language);
    strbuf_add_string(html, "</main>");
}

static const char *render(struct request *req, const struct page *page)
{
    enum language language = page_language(req);
    const char *copy;
    struct strbuf html;

    strbuf_init(&html, PAGE_BYTES_MAX);
    add_around(&html, "<!DOCTYPE html>\n<html lang=\"", language_tags[language], "\">");
    strbuf_add_string(&html, "<head><meta charset=\"utf-8\">"
                             "<meta name=\"viewport\" content=\"width=device-width\">");
    add_around(&html, "<title>", page->title.in[language], "</title><style>");
    strbuf_add_string(&html, style);
    strbuf_add_string(&html, "</style></head><body>");
    add_main(&html, page, language);
    if (page->script != NULL)
        add_around(&html, "<script src=\"", page->script, "\"></script>");
    strbuf_add_string(&html, "</body></html>\n");
    copy = arena_strndup(req->call.arena, html.data, html.length);
    strbuf_finish(&html);
    return copy;
}

enum errcode page_respond(struct request *req, int status, const struct page *page)
{
    /* A page without script keeps the stricter policy of respond_html(). */
    if (page->script != NULL)
        response_header(req, "Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; "
                        "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; "
                        "base-uri 'none'");
    return respond_html(req, status, render(req, page));
}
