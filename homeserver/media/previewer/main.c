/*
 * beffroi-previewer [CHARSET]: an HTML page as standard input (a file), what it says about itself
 * on standard output: name, NUL, value, NUL, and so on. In a process that can do nothing else:
 * whatever a page makes the parser do ends here.
 */
#include <libxml/encoding.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "homeserver/media/previewer/page.h"
#include "homeserver/media/thumbnailer/sandbox.h"

static const struct sandbox_limits limits = {
    .memory_bytes = (size_t)256 << 20, .cpu_seconds = 3, .output_bytes = (size_t)1 << 20};

static void print_fact(void *context, const char *name, const char *value)
{
    FILE *out = context;

    fwrite(name, 1, strlen(name) + 1, out);
    fwrite(value, 1, strlen(value) + 1, out);
}

/* NULL when it is none that the parser knows: then the page is asked. Converters are loaded here,
 * where files can still be opened. */
static const char *known_charset(const char *name)
{
    return xmlFindCharEncodingHandler(name) != NULL ? name : NULL;
}

int main(int argc, char **argv)
{
    struct stat status;

    if (!sandbox_limit(&limits) || fstat(STDIN_FILENO, &status) != 0 || status.st_size <= 0)
        return EXIT_FAILURE;
    size_t size = (size_t)status.st_size;
    const char *page = mmap(NULL, size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (page == MAP_FAILED)
        return EXIT_FAILURE;
    xmlInitParser();
    const char *charset = argc == 2 ? known_charset(argv[1]) : NULL;
    if (!sandbox_enter())
        return EXIT_FAILURE;
    page_describe(page, size, charset, print_fact, stdout);
    /* Without destructors: libraries would look for files to close. */
    _exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
