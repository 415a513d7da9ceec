/*
 * Finding users.
 * Spec: client-server API, "User Directory" (users.yaml).
 */
#include <string.h>

#include "homeserver/base/utf8.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "storage/user_directory.h"

enum { LIMIT_DEFAULT = 10, LIMIT_MAX = 100, TERM_BYTES_MAX = 255 };

static json_t *user_json(const struct directory_user *user)
{
    return json_pack("{ss, ss*, ss*}", "user_id", user->user_id, "display_name", user->display_name,
                     "avatar_url", user->avatar_url);
}

/* People paste whole user IDs too: the localpart is what is looked up. */
static const char *search_term(struct arena *arena, const char *text)
{
    size_t length = strlen(text), folded_length;

    if (*text == '@')
        length = strcspn(++text, ":");
    return utf8_casefold(arena, text, length, &folded_length);
}

/* POST /_matrix/client/v3/user_directory/search */
enum errcode client_search_user_directory(struct request *req)
{
    struct user_search search = {.viewer_nid = req->requester.user_nid};
    struct directory_user *users;
    const char *term;
    int64_t limit;
    size_t count;

    TRY(body_string(req, "search_term", &term));
    TRY(body_int_optional(req, "limit", LIMIT_DEFAULT, &limit));
    if (strlen(term) > TERM_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The search term is too long.");
    if (limit < 0)
        return fail(&req->error, M_INVALID_PARAM, "limit must not be negative.");
    if (limit > LIMIT_MAX)
        limit = LIMIT_MAX;
    search.term = search_term(req->call.arena, term);
    search.limit = limit + 1;
    TRY(user_directory_search(req->call.db, req->call.arena, &search, &users, &count));
    json_t *results = json_array();
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        json_array_append_new(results, user_json(&users[i]));
    return respond(req, 200,
                   json_pack("{so, sb}", "results", results, "limited", count > (size_t)limit));
}
