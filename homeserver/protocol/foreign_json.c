/* Reading JSON of other servers, whatever numbers are in it. */
#include "homeserver/protocol/foreign_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

enum { DIGITS_MAX = 400 }; /* of a number that can be held; more are written by nobody */

static bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Whether the text of a number is more than jansson's types hold. */
static bool is_beyond_all(const char *number, size_t size)
{
    char text[DIGITS_MAX + 1], *end;

    if (size > DIGITS_MAX)
        return true;
    memcpy(text, number, size);
    text[size] = '\0';
    errno = 0;
    if (strpbrk(text, ".eE") == NULL)
        strtoll(text, &end, 10);
    else if (isfinite(strtod(text, &end)))
        errno = 0; /* what is almost 0 is 0 */
    return errno == ERANGE && *end == '\0';
}

/* Half and spaces: no number of a strict event, and none that any hash was made of. */
static void replace_numbers_beyond_all(char *bytes, size_t size)
{
    bool in_string = false;

    for (size_t i = 0, end; i < size; i = end) {
        end = i + 1;
        if (in_string && bytes[i] == '\\')
            end++;
        else if (bytes[i] == '"')
            in_string = !in_string;
        else if (!in_string && is_of_number(bytes[i])) {
            while (end < size && is_of_number(bytes[end]))
                end++;
            if (is_beyond_all(bytes + i, end - i)) {
                memset(bytes + i, ' ', end - i);
                memcpy(bytes + i, "0.5", 3);
            }
        }
    }
}

enum errcode json_parse_foreign(struct arena *arena, const char *bytes, size_t size,
                                struct error *error, json_t **out)
{
    struct error unread = {0};

    if (json_parse_object(arena, bytes, size, &unread, out) == OK)
        return OK;
    char *copy = arena_memdup(arena, bytes, size);
    replace_numbers_beyond_all(copy, size);
    return json_parse_object(arena, copy, size, error, out);
}
