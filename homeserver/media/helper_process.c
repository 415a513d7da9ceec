/* Starting and ending the helpers: one process for one picture, or one page. */
#include "homeserver/media/helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/media/media_service.h"
#include "homeserver/media/media_store.h"
#include "homeserver/services.h"

enum { PATIENCE_MS = 20 * 1000, SIGNALLED = 128 };

/* Input, output and nowhere to write messages; none of the server's blocked signals. */
static int start(const char *program, char *const *arguments, int source, int result, pid_t *pid)
{
    static char locale[] = "LC_ALL=C";
    char *const environment[] = {locale, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&files) != 0 || posix_spawnattr_init(&attributes) != 0)
        return ENOMEM;
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int outcome = posix_spawn_file_actions_adddup2(&files, source, STDIN_FILENO);
    if (outcome == 0)
        outcome = posix_spawn_file_actions_adddup2(&files, result, STDOUT_FILENO);
    if (outcome == 0)
        outcome = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (outcome == 0)
        outcome = posix_spawn(pid, program, &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return outcome;
}

static int wait_for_end(pid_t pid)
{
    SCOPED(media_close_fd) int fd = pidfd_open(pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int status = 0;
    int ready;

    do {
        ready = poll(&end, 1, PATIENCE_MS);
    } while (ready < 0 && errno == EINTR);
    if (fd < 0 || ready <= 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}

static enum errcode run(struct call *call, const char *const *arguments, int source, int result,
                        int *status_out)
{
    const char *program = media_service_program(call->services->media, call->arena, arguments[0]);
    char *argv[HELPER_ARGUMENTS_MAX + 1] = {NULL};
    pid_t pid;

    for (size_t i = 0; i < HELPER_ARGUMENTS_MAX && arguments[i] != NULL; i++)
        argv[i] = arena_strdup(call->arena, arguments[i]);
    int outcome = start(program, argv, source, result, &pid);
    if (outcome != 0)
        return fail(call->error, E_SYSTEM, "%s can not be started: %s", program,
                    strerrordesc_np(outcome));
    *status_out = wait_for_end(pid);
    return OK;
}

enum errcode helper_run(struct call *call, const char *const *arguments, int source, int result,
                        int *status_out)
{
    struct media_service *media = call->services->media;

    if (!media_service_take_decoder(media))
        return fail(call->error, E_UNAVAILABLE, "Too many files are being read.");
    enum errcode outcome = run(call, arguments, source, result, status_out);
    media_service_give_decoder(media);
    return outcome;
}
