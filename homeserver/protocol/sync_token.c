/*
 * Tokens: `s1_<position>_<typing epoch>_<typing>`, followed by `_<to_device>` when that is not the
 * position; `l1_<connection>_<serial>_<position>_<typing epoch>_<typing>`; and `p1_<position>`, all
 * numbers decimal without leading zeros. What does not look
 * exactly like that is refused.
 */
#include "homeserver/protocol/sync_token.h"

#include <inttypes.h>
#include <stdbool.h>

#include "homeserver/base/arena.h"

static const char SYNC_PREFIX[] = "s1_";
static const char SLIDING_PREFIX[] = "l1_";
static const char PAGE_PREFIX[] = "p1_";

/* Far above what a server can reach, and safe to multiply by ten. */
static const int64_t NUMBER_MAX = (INT64_C(1) << 53) - 1;

static bool take_prefix(const char **text, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

static bool take_number(const char **text, int64_t max, int64_t *out)
{
    const char *c = *text;
    int64_t number = 0;

    if (*c == '0' && c[1] >= '0' && c[1] <= '9')
        return false;
    if (*c < '0' || *c > '9')
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        number = number * 10 + (*c - '0');
        if (number > max || number > NUMBER_MAX)
            return false;
    }
    *text = c;
    *out = number;
    return true;
}

/* `<position>_<typing epoch>_<typing>` */
static bool take_positions(const char **text, int64_t newest_position, struct sync_token *out)
{
    int64_t epoch;

    if (!take_number(text, newest_position, &out->position) || !take_prefix(text, "_") ||
        !take_number(text, UINT32_MAX, &epoch) || !take_prefix(text, "_") ||
        !take_number(text, NUMBER_MAX, &out->typing))
        return false;
    out->typing_epoch = (uint32_t)epoch;
    out->to_device = out->position;
    return true;
}

static bool read_sliding_token(const char *text, int64_t newest_position, struct sliding_token *out)
{
    return take_prefix(&text, SLIDING_PREFIX) &&
           take_number(&text, NUMBER_MAX, &out->connection_nid) && take_prefix(&text, "_") &&
           take_number(&text, NUMBER_MAX, &out->serial) && take_prefix(&text, "_") &&
           take_positions(&text, newest_position, &out->sync) && *text == '\0';
}

static bool read_sync_token(const char *text, int64_t newest_position, struct sync_token *out)
{
    if (!take_prefix(&text, SYNC_PREFIX) || !take_positions(&text, newest_position, out))
        return false;
    if (take_prefix(&text, "_") &&
        (!take_number(&text, out->position, &out->to_device) || out->to_device == out->position))
        return false;
    return *text == '\0';
}

static bool read_page_token(const char *text, int64_t newest_position, int64_t *position_out)
{
    bool is_negative;

    if (!take_prefix(&text, PAGE_PREFIX))
        return false;
    is_negative = take_prefix(&text, "-");
    if (!take_number(&text, is_negative ? NUMBER_MAX : newest_position, position_out) ||
        (is_negative && *position_out == 0))
        return false;
    if (is_negative)
        *position_out = -*position_out;
    return *text == '\0';
}

char *sync_token_format(struct arena *arena, struct sync_token token)
{
    char *text = arena_printf(arena, "%s%" PRId64 "_%" PRIu32 "_%" PRId64, SYNC_PREFIX,
                              token.position, token.typing_epoch, token.typing);

    if (token.to_device == token.position)
        return text;
    return arena_printf(arena, "%s_%" PRId64, text, token.to_device);
}

enum errcode sync_token_parse(const char *text, int64_t newest_position, struct error *error,
                              struct sync_token *out)
{
    struct sync_token token;

    if (text == NULL || !read_sync_token(text, newest_position, &token))
        return fail(error, M_INVALID_PARAM, "The sync token is not valid.");
    *out = token;
    return OK;
}

char *sliding_token_format(struct arena *arena, const struct sliding_token *token)
{
    return arena_printf(arena, "%s%" PRId64 "_%" PRId64 "_%" PRId64 "_%" PRIu32 "_%" PRId64,
                        SLIDING_PREFIX, token->connection_nid, token->serial, token->sync.position,
                        token->sync.typing_epoch, token->sync.typing);
}

enum errcode sliding_token_parse(const char *text, int64_t newest_position, struct error *error,
                                 struct sliding_token *out)
{
    if (text == NULL || !read_sliding_token(text, newest_position, out))
        return fail(error, M_UNKNOWN_POS, "%s", errcode_default_text(M_UNKNOWN_POS));
    return OK;
}

char *page_token_format(struct arena *arena, int64_t position)
{
    return arena_printf(arena, "%s%" PRId64, PAGE_PREFIX, position);
}

enum errcode page_token_parse(const char *text, int64_t newest_position, struct error *error,
                              int64_t *position_out)
{
    struct sliding_token sliding;
    struct sync_token sync;
    int64_t position;

    if (text == NULL)
        return fail(error, M_MISSING_PARAM, "A pagination token is needed.");
    if (read_sync_token(text, newest_position, &sync))
        position = sync.position;
    else if (read_sliding_token(text, newest_position, &sliding))
        position = sliding.sync.position;
    else if (!read_page_token(text, newest_position, &position))
        return fail(error, M_INVALID_PARAM, "The pagination token is not valid.");
    *position_out = position;
    return OK;
}
