#ifndef HOMESERVER_SYNC_KNOWN_FILTERS_H
#define HOMESERVER_SYNC_KNOWN_FILTERS_H

#include <stdint.h>

#include "homeserver/base/error.h"

/*
 * The filters that clients sync with, parsed once: a client names the same one in each of its
 * requests, and all installations of a client name equal ones. A stored filter never changes, so
 * what is remembered never grows old.
 */
struct call;
struct filter;
struct known_filters;

struct known_filters *known_filters_create(void);
void known_filters_destroy(struct known_filters *known);

/* `text` is the ID of a filter of the user, or the filter itself when it begins with a brace; NULL
 * is the filter that lets all pass. Borrowed from the call. M_INVALID_PARAM, M_TOO_LARGE: see
 * filter_parse(). */
enum errcode known_filter_find(struct call *call, int64_t user_nid, const char *text,
                               const struct filter **out) MUST_CHECK;

#endif
