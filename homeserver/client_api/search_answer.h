#ifndef HOMESERVER_CLIENT_API_SEARCH_ANSWER_H
#define HOMESERVER_CLIENT_API_SEARCH_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/http/request.h"
#include "homeserver/protocol/filter.h"
#include "storage/search.h"

/* What is shown around the results of a search. */
struct search_style {
    bool with_context;
    int64_t before_limit;
    int64_t after_limit;
    bool with_profiles;
    bool with_state;
    bool group_by_room;
    bool group_by_sender;
};

struct search_found {
    const struct search_style *style;
    const struct event_filter *filter;
    struct search_hit *hits; /* in the order of the answer */
    size_t hit_count;
    int64_t total;
    const char **words;
    size_t word_count;
    const char *next_batch; /* or NULL */
};

/* The member `room_events` of the answer; borrowed from the request. Hits that the requester may
 * not see, or that the filter does not let pass, are left out. */
enum errcode search_answer_make(struct request *req, const struct search_found *found,
                                json_t **out) MUST_CHECK;

#endif
