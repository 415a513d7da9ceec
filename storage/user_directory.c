/* Searching for users. Spec: client-server API, "User Directory". */
#include "storage/user_directory.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* Punctuation parts words: anna.martin is found by her family name. */
#define WITHOUT_PUNCTUATION ", '[[:punct:]]+', ' ', 'g')"

enum { SET, SEARCH };

/* clang-format off */
static const struct db_statement statements[] = {
    [SET] = {"user_directory_set",
        "INSERT INTO user_directory (user_nid, localpart_folded, display_name, "
        "                            display_name_folded, avatar_url, words) "
        "VALUES ($1, $2, $3, $4, $5, to_tsvector('simple', regexp_replace( "
        "        $2::text || ' ' || coalesce($4, '')" WITHOUT_PUNCTUATION ")) "
        "    ON CONFLICT (user_nid) DO UPDATE "
        "   SET display_name = EXCLUDED.display_name, "
        "       display_name_folded = EXCLUDED.display_name_folded, "
        "       avatar_url = EXCLUDED.avatar_url, words = EXCLUDED.words "
        " WHERE (user_directory.display_name, user_directory.avatar_url) "
        "       IS DISTINCT FROM (EXCLUDED.display_name, EXCLUDED.avatar_url)"},

    /* OFFSET 0: who was found is looked up one by one, and judged by
     * the rooms of two users, whatever PostgreSQL expects to find. */
    [SEARCH] = {"user_directory_search",
        "SELECT d.user_nid, u.user_id, d.display_name, d.avatar_url "
        "  FROM user_directory d "
        "       CROSS JOIN LATERAL (SELECT user_id FROM users "
        "                            WHERE users.user_nid = d.user_nid OFFSET 0) u "
        " WHERE d.words @@ (SELECT string_agg(quote_literal(word) || ':*', '&')::tsquery "
        "                     FROM unnest(tsvector_to_array(to_tsvector('simple', "
        "                          regexp_replace($2::text" WITHOUT_PUNCTUATION "))) AS word) "
        "   AND NOT EXISTS (SELECT 1 FROM accounts a "
        "                    WHERE a.user_nid = d.user_nid AND a.deactivated_ts IS NOT NULL OFFSET 0) "
        "   AND (EXISTS (SELECT 1 FROM memberships theirs JOIN memberships mine USING (room_nid) "
        "                 WHERE theirs.user_nid = d.user_nid AND theirs.membership = 2 "
        "                   AND mine.user_nid = $1 AND mine.membership = 2 "
        "                   AND theirs.user_nid <> mine.user_nid OFFSET 0) "
        "        OR EXISTS (SELECT 1 FROM memberships theirs JOIN room_summaries s USING (room_nid) "
        "                    WHERE theirs.user_nid = d.user_nid AND theirs.membership = 2 "
        "                      AND (s.join_rule = 'public' "
        "                           OR s.history_visibility = 'world_readable') OFFSET 0)) "
        " ORDER BY (d.display_name_folded = $2 OR d.localpart_folded = $2) IS TRUE DESC, "
        "          (strpos(coalesce(d.display_name_folded, ''), $2) = 1 "
        "           OR strpos(d.localpart_folded, $2) = 1) DESC, "
        "          d.display_name IS NULL, d.user_nid "
        " LIMIT $3"},
};
/* clang-format on */

STATEMENT_TABLE(user_directory, statements);

void user_directory_set_in(struct journal_entry *entry, const struct directory_user *user,
                           const struct directory_texts *texts)
{
    journal_entry_add(entry, &statements[SET],
                      PARAMS(INT(user->user_nid), TEXT(texts->localpart_folded),
                             TEXT(user->display_name), TEXT(texts->name_folded),
                             TEXT(user->avatar_url)));
}

enum errcode user_directory_search(struct db *db, struct arena *arena,
                                   const struct user_search *search, struct directory_user **out,
                                   size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SEARCH],
                 PARAMS(INT(search->viewer_nid), TEXT(search->term), INT(search->limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct directory_user);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct directory_user){rows_int(rows, i, 0), rows_text(rows, i, 1),
                                            rows_text(rows, i, 2), rows_text(rows, i, 3)};
    return OK;
}
