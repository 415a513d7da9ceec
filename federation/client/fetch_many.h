#ifndef FEDERATION_CLIENT_FETCH_MANY_H
#define FEDERATION_CLIENT_FETCH_MANY_H

#include <jansson.h>

#include "federation/client/signed_request.h"

/* One of many requests that are under way at once. */
struct federation_question {
    struct federation_request request;
    /* Filled in: as of federation_fetch(), on the call's arena. */
    enum errcode outcome;
    json_t *answer;  /* NULL unless `outcome` is OK */
    const char *why; /* "" when it is */
};

/* Asks them all side by side and blocks until the last is answered or its time is over, so that
 * one slow server costs no more than its own time limit. Fails only when our own surroundings do
 * (the database, a stop); what other servers did or did not do stands in the questions. */
enum errcode federation_fetch_many(struct call *call, struct federation_question *questions,
                                   size_t count) MUST_CHECK;

#endif
