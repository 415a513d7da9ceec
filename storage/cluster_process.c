/*
 * Processes of the embedded cluster. PostgreSQL refuses to run as root, and its user may not be
 * able to reach the data directory by its path (below /root, say). So every program inherits the
 * open directory and finds it as CLUSTER_DIRECTORY, a path that needs no rights above it.
 */
#include "storage/cluster_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"

enum {
    LEFTOVERS_MAX = 256,
    FAST_SHUTDOWN_MS = 60 * 1000,
    IMMEDIATE_SHUTDOWN_MS = 10 * 1000,
    KILL_MS = 5 * 1000,
    CHECK_INTERVAL_MS = 20,
    COMMAND_LINE_BYTES = 4096,
    OPEN_DIRECTORIES_MAX = 16
};

static enum errcode owner_as_user(const struct stat *owner, const char *data_directory,
                                  struct cluster_user *out, struct error *error)
{
    uid_t self = geteuid();

    if (owner->st_uid == 0)
        return fail(error, E_SYSTEM,
                    "PostgreSQL does not run as root, but root owns its data in %s. "
                    "Run: chown -R postgres: %s",
                    data_directory, data_directory);
    if (self != 0 && owner->st_uid != self)
        return fail(error, E_SYSTEM,
                    "The database in %s belongs to the user with the number %u, and beffroi runs "
                    "as %u. Run beffroi as that user, or give the directory to this one (chown -R)",
                    data_directory, (unsigned)owner->st_uid, (unsigned)self);
    *out = (struct cluster_user){owner->st_uid, owner->st_gid, self == 0};
    return OK;
}

enum errcode cluster_user_find(const char *data_directory, struct cluster_user *out,
                               struct error *error)
{
    struct stat owner;

    if (stat(data_directory, &owner) == 0)
        return owner_as_user(&owner, data_directory, out, error);
    if (geteuid() != 0) {
        *out = (struct cluster_user){geteuid(), getegid(), false};
        return OK;
    }
    const struct passwd *entry = getpwnam("postgres");
    if (entry == NULL)
        entry = getpwnam("nobody");
    if (entry == NULL || entry->pw_uid == 0)
        return fail(error, E_SYSTEM,
                    "PostgreSQL does not run as root, and there is neither a user postgres nor "
                    "nobody. Run beffroi as an ordinary user");
    *out = (struct cluster_user){entry->pw_uid, entry->pw_gid, true};
    return OK;
}

/* Makes `fd` survive the exec under the given number. */
static bool inherit_as(int fd, int number)
{
    if (fd == number)
        return fcntl(fd, F_SETFD, 0) == 0;
    return dup2(fd, number) == number;
}

/* Between fork and exec: async-signal-safe calls only. */
static NORETURN void become(const struct cluster_user *user, const struct cluster_command *command,
                            pid_t parent)
{
    static char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
    char *const environment[] = {path, locale, NULL};
    sigset_t no_signals;
    int null_fd = open("/dev/null", O_RDWR);

    setsid(); /* Ctrl-C is for beffroi, which then stops the database in good order. */
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(command->log_fd, STDOUT_FILENO) < 0 ||
        dup2(command->log_fd, STDERR_FILENO) < 0 ||
        !inherit_as(command->directory_fd, CLUSTER_DIRECTORY_FD) || chdir("/") != 0)
        _exit(126);
    if (user->drops_root &&
        (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
         setresuid(user->uid, user->uid, user->uid) != 0))
        _exit(126);
    /* Becoming another user forgets this setting, so it comes after. */
    prctl(PR_SET_PDEATHSIG, command->death_signal);
    if (getppid() != parent)
        _exit(126);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&no_signals);
    sigprocmask(SIG_SETMASK, &no_signals, NULL);
    umask(077);
    close_range(CLUSTER_DIRECTORY_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    union {
        const char *const *borrowed;
        char *const *for_exec;
    } argv = {.borrowed = command->argv}; /* execve() does not write to it */
    execve(argv.for_exec[0], argv.for_exec, environment);
    _exit(127);
}

pid_t cluster_spawn(const struct cluster_user *user, const struct cluster_command *command)
{
    pid_t parent = getpid();
    pid_t child = fork();

    if (child == 0)
        become(user, command, parent);
    return child;
}

/* The command line of a process with blanks between its words; empty when it is gone. */
static void read_command_line(const char *pid, char out[COMMAND_LINE_BYTES])
{
    char path[64];
    ssize_t size = -1;

    snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        size = read(fd, out, COMMAND_LINE_BYTES - 1);
        close(fd);
    }
    if (size < 0)
        size = 0;
    for (ssize_t i = 0; i < size; i++) {
        if (out[i] == '\0')
            out[i] = ' ';
    }
    out[size] = '\0';
}

size_t cluster_find_processes(const char *mark, pid_t *pids_out, size_t max)
{
    char command_line[COMMAND_LINE_BYTES];
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    if (processes == NULL)
        return 0;
    while (count < max && (entry = readdir(processes)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || pid == (long)getpid())
            continue;
        read_command_line(entry->d_name, command_line);
        if (strstr(command_line, mark) != NULL)
            pids_out[count++] = (pid_t)pid;
    }
    closedir(processes);
    return count;
}

static bool are_gone_within(const char *mark, int64_t wait_ms)
{
    const struct timespec interval = {.tv_nsec = CHECK_INTERVAL_MS * 1000000L};
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    pid_t pid;

    while (cluster_find_processes(mark, &pid, 1) > 0) {
        if (clock_monotonic_ms() >= deadline_ms)
            return false;
        (void)nanosleep(&interval, NULL); /* woken early: one more look */
    }
    return true;
}

static void signal_all(const char *mark, int signal_number)
{
    pid_t pids[LEFTOVERS_MAX];
    size_t count = cluster_find_processes(mark, pids, COUNT_OF(pids));

    for (size_t i = 0; i < count; i++)
        kill(pids[i], signal_number);
}

bool cluster_end_leftovers(const char *mark)
{
    char postmaster_mark[128];
    pid_t pid;

    if (cluster_find_processes(mark, &pid, 1) == 0)
        return true;
    log_warn(LOG_DATABASE, "ending the embedded PostgreSQL that an earlier run has left behind");
    /* Its children have titles of their own, without the setting's name. */
    snprintf(postmaster_mark, sizeof(postmaster_mark), "cluster_name=%s", mark);
    if (cluster_find_processes(postmaster_mark, &pid, 1) > 0)
        kill(pid, SIGINT);
    if (are_gone_within(mark, FAST_SHUTDOWN_MS))
        return true;
    signal_all(mark, SIGQUIT);
    if (are_gone_within(mark, IMMEDIATE_SHUTDOWN_MS))
        return true;
    signal_all(mark, SIGKILL);
    return are_gone_within(mark, KILL_MS);
}

static int delete_entry(const char *path, const struct stat *info UNUSED, int kind UNUSED,
                        struct FTW *walk UNUSED)
{
    return remove(path);
}

void cluster_delete_directory(const char *path)
{
    /* What can not be deleted shows when the directory is made again. */
    (void)nftw(path, delete_entry, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS);
}
