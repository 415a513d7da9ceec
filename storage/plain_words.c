/*
 * Splitting plain sentences as PostgreSQL's default parser does (manual, "Parsers"). Only those
 * where it needs no second thought are split here, so that both always agree:
 * tests/storage/test_plain_words.c compares them.
 */
#include "storage/plain_words.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"

enum { TEXT_BYTES_MAX = 4096, WORD_BYTES_MAX = 255 };

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of the lower-case letter at `text`; 0 when there is none. Beyond ASCII the small letters of
 * Latin-1 and Latin Extended-A, which are letters in every locale. */
static size_t letter_bytes(const unsigned char *text)
{
    if (text[0] >= 'a' && text[0] <= 'z')
        return 1;
    if (text[0] == 0xc3 && text[1] >= 0xa0 && text[1] <= 0xbf && text[1] != 0xb7)
        return 2;
    if ((text[0] == 0xc4 || text[0] == 0xc5) && text[1] >= 0x80 && text[1] <= 0xbf)
        return 2;
    return 0;
}

/* Digits alone, or letters and then letters and digits; 0 for what is no word of this kind. */
static size_t word_bytes(const unsigned char *text)
{
    size_t length = 0, letter;

    if (is_digit(text[0])) {
        while (is_digit(text[length]))
            length++;
        return letter_bytes(text + length) > 0 ? 0 : length;
    }
    while ((letter = letter_bytes(text + length)) > 0 || (length > 0 && is_digit(text[length])))
        length += letter > 0 ? letter : 1;
    return length;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* What stands between words without making anything else of them. */
static bool separates(const unsigned char *text, bool is_after_space)
{
    switch (text[0]) {
    case ' ':
    case '\n':
    case '\t':
    case ',':
    case ';':
    case '!':
    case '?':
    case '"':
    case '\'':
    case '(':
    case ')':
        return true;
    case '.':
    case ':':
        return text[1] == '\0' || is_space(text[1]);
    case '-':
        return is_after_space && (text[1] == '\0' || is_space(text[1]));
    default:
        return false;
    }
}

static bool add_words(struct strbuf *out, const unsigned char *text)
{
    bool is_after_space = true;

    while (*text != '\0') {
        size_t length = word_bytes(text);
        if (length == 0) {
            if (!separates(text, is_after_space))
                return false;
            is_after_space = is_space(*text++);
            continue;
        }
        if (length > WORD_BYTES_MAX)
            return false;
        strbuf_add_char(out, '\'');
        strbuf_add(out, text, length);
        strbuf_add_string(out, "' ");
        text += length;
        is_after_space = false;
    }
    return true;
}

const char *plain_words_vector(struct arena *arena, const char *folded_text, int64_t room_nid)
{
    const char *words = NULL;
    struct strbuf out;

    if (strlen(folded_text) > TEXT_BYTES_MAX)
        return NULL;
    strbuf_init(&out, 0);
    if (add_words(&out, (const unsigned char *)folded_text)) {
        strbuf_add_string(&out, "'!");
        strbuf_add_int(&out, room_nid);
        strbuf_add_char(&out, '\'');
        words = arena_strdup(arena, out.data);
    }
    strbuf_finish(&out);
    return words;
}
