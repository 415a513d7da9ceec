/* Runs a fuzz target over the files of its corpus, as an ordinary test. Arguments: folders. */
#include <dirent.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "tests/fuzz/fuzz.h"

/* Through an allocation of just this size, so that reading past the end is noticed. */
static void run_bytes(const struct strbuf *bytes)
{
    uint8_t *copy = malloc(bytes->length > 0 ? bytes->length : 1);

    if (copy == NULL)
        abort();
    memcpy(copy, bytes->data, bytes->length);
    LLVMFuzzerTestOneInput(copy, bytes->length);
    free(copy);
}

static int run_file(const char *path)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    char chunk[4096];
    size_t length;
    FILE *file = fopen(path, "rb");

    strbuf_init(&bytes, 0);
    if (file == NULL) {
        perror(path);
        return 1;
    }
    while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0)
        strbuf_add(&bytes, chunk, length);
    fclose(file);
    fprintf(stderr, "%s\n", path);
    run_bytes(&bytes);
    return 0;
}

static int run_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    int problems = 0;

    if (directory == NULL) {
        perror(folder);
        return 1;
    }
    while ((entry = readdir(directory)) != NULL) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            problems += run_file(path);
    }
    closedir(directory);
    return problems;
}

int main(int argc, char **argv)
{
    int problems = 0;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        problems += run_folder(argv[i]);
    return problems > 0;
}
