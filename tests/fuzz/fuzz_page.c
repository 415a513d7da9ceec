/* Whatever a page is, its facts are short UTF-8 texts with names that we know, and not many. */
#include <string.h>

#include "homeserver/media/previewer/page.h"
#include "tests/fuzz/fuzz.h"

static void check_fact(void *context, const char *name, const char *value)
{
    size_t *count = context;

    MUST(++*count <= PAGE_FACTS_MAX);
    MUST(strncmp(name, "og:", 3) == 0 || strcmp(name, "base") == 0 || strcmp(name, "oembed") == 0);
    MUST(strlen(name) <= PAGE_NAME_BYTES_MAX);
    MUST(value[0] != '\0' && strlen(value) <= PAGE_VALUE_BYTES_MAX);
    MUST(strpbrk(value, "\t\r\n\f") == NULL && strstr(value, "  ") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;

    page_describe((const char *)data, size, NULL, check_fact, &count);
    count = 0;
    page_describe((const char *)data, size, "utf-8", check_fact, &count);
    return 0;
}
