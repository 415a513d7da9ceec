/* A token that is accepted is one that we write. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/sync_token.h"
#include "tests/fuzz/fuzz.h"

enum { NEWEST = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *text = arena_strndup(arena, (const char *)data, size);
    struct sliding_token sliding;
    struct sync_token token;
    int64_t position;

    if (sync_token_parse(text, NEWEST, NULL, &token) == OK) {
        MUST(strcmp(sync_token_format(arena, token), text) == 0);
        MUST(token.position >= 0 && token.position <= NEWEST);
        MUST(page_token_parse(text, NEWEST, NULL, &position) == OK && position == token.position);
    } else if (sliding_token_parse(text, NEWEST, NULL, &sliding) == OK) {
        MUST(strcmp(sliding_token_format(arena, &sliding), text) == 0);
        MUST(page_token_parse(text, NEWEST, NULL, &position) == OK);
        MUST(position == sliding.sync.position && position >= 0 && position <= NEWEST);
    } else if (page_token_parse(text, NEWEST, NULL, &position) == OK) {
        MUST(position <= NEWEST);
        MUST(strcmp(page_token_format(arena, position), text) == 0);
    }
    return 0;
}
