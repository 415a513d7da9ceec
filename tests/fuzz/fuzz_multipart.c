/* However a body is cut into pieces, the reader says the same about it. */
#include <string.h>

#include "homeserver/base/sha256.h"
#include "homeserver/media/multipart.h"
#include "tests/fuzz/fuzz.h"

struct heard {
    struct sha256_stream *hashing;
    size_t parts;
};

static enum errcode on_part(void *context, size_t number, const char *headers)
{
    struct heard *heard = context;
    char value[64];

    MUST(number == heard->parts++);
    if (multipart_header(headers, "Content-Type", value, sizeof(value)))
        MUST(memchr(value, '\0', sizeof(value)) != NULL);
    sha256_stream_add(heard->hashing, headers, strlen(headers) + 1);
    return OK;
}

static enum errcode on_data(void *context, size_t number, const void *bytes, size_t size)
{
    struct heard *heard = context;

    MUST(number + 1 == heard->parts && size > 0);
    sha256_stream_add(heard->hashing, bytes, size);
    return OK;
}

/* What was heard, when the body came in pieces of this size. */
static enum errcode read_in_pieces(const uint8_t *data, size_t size, size_t piece,
                                   uint8_t hash[SHA256_BYTES], bool *complete_out)
{
    struct heard heard = {.hashing = sha256_stream_create()};
    const struct multipart_listener listener = {
        .on_part = on_part, .on_data = on_data, .context = &heard};
    struct multipart *reader = multipart_create("multipart/mixed; boundary=\"b\"", &listener);
    enum errcode outcome = OK;

    MUST(reader != NULL);
    for (size_t at = 0; at < size && outcome == OK; at += piece)
        outcome = multipart_feed(reader, data + at, size - at < piece ? size - at : piece);
    *complete_out = multipart_is_complete(reader);
    multipart_destroy(reader);
    sha256_stream_finish(heard.hashing, hash);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 3, 17};
    uint8_t whole[SHA256_BYTES], cut[SHA256_BYTES];
    bool is_complete, is_complete_in_pieces;

    enum errcode outcome = read_in_pieces(data, size, size == 0 ? 1 : size, whole, &is_complete);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        MUST(read_in_pieces(data, size, pieces[i], cut, &is_complete_in_pieces) == outcome);
        /* After a mistake more or less of the body may have been passed on. */
        MUST(outcome != OK || memcmp(whole, cut, sizeof(cut)) == 0);
        MUST(outcome != OK || is_complete == is_complete_in_pieces);
    }
    return 0;
}
