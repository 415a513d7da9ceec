#ifndef HOMESERVER_WEB_PAGE_H
#define HOMESERVER_WEB_PAGE_H

#include <stddef.h>

#include "homeserver/base/error.h"

struct request;

/*
 * Accessible pages in French and English, without images, fonts or frameworks (RGAA 4): a language,
 * a title, one main region, labelled fields, errors that are announced, visible focus, contrasts
 * above 7:1 in light and dark.
 */
enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH, LANGUAGE_COUNT };

/* A text in every language. */
struct text {
    const char *in[LANGUAGE_COUNT];
};

/* What the reader's browser prefers; English when it prefers neither. */
enum language page_language(struct request *req);

struct page_field {
    const char *name;
    struct text label;
    const char *type;         /* of the input element: text, email, password, checkbox */
    const char *autocomplete; /* as HTML names it */
};

/* What a form carries on unseen. */
struct page_hidden {
    const char *name;
    const char *value;
};

/* A page with a form, or without one when `field_count` is 0 and `button` empty. Pointers may be
 * NULL where noted; texts from outside are escaped. */
struct page {
    struct text title;
    const struct text *intro;      /* NULL: none */
    const struct text *error;      /* NULL: nothing went wrong */
    const struct text *link_label; /* NULL: no link */
    const char *link_url;
    const struct page_field *fields;
    size_t field_count;
    const struct page_hidden *hidden;
    size_t hidden_count;
    const struct text *button; /* NULL: no form */
    const char *action;        /* where the form goes; NULL: nowhere, a script takes it */
    const char *script;        /* path of a script of ours; NULL: none */
};

/* Answers with the page. */
enum errcode page_respond(struct request *req, int status, const struct page *page);

#endif
