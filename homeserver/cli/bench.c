/* beffroi bench: a program of its own, so that the load generator shares no memory, thread or
 * descriptor limit with a server, and can be run where none is installed. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"

#define PROGRAM "beffroi-bench"

/* Installed beside this program; in the build directory it is in a folder of its own. */
static void execute_beside(struct arena *arena, char **words)
{
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

    if (length <= 0)
        return;
    own[length] = '\0';
    const char *folder = dirname(own);
    execv(arena_printf(arena, "%s/" PROGRAM, folder), words);
    execv(arena_printf(arena, "%s/tests/bench/" PROGRAM, folder), words);
}

static enum exit_status run(struct invocation *invocation)
{
    static char name[] = PROGRAM;
    size_t count = (size_t)invocation->argument_count; /* with the command's own word */
    char **words = ARENA_ARRAY(invocation->arena, count + 1, char *);

    memcpy(words, invocation->arguments, count * sizeof(*words));
    words[0] = name;
    execute_beside(invocation->arena, words);
    execvp(name, words);
    char text[128];
    command_complain("can not start " PROGRAM ": %s. It is installed with beffroi.",
                     strerror_r(errno, text, sizeof(text)));
    return EXIT_FAILED;
}

const struct command command_bench = {
    .name = "bench",
    .operands = "SCENARIO",
    .summary = "measure how fast a homeserver is; starts beffroi-bench",
    .details = "",
    .run = run,
};
