/*
 * The embedded PostgreSQL: made by initdb under a temporary name, so that an interrupted one is
 * never taken for a cluster; guarded by a lock file; kept running by a supervisor.
 */
#include "storage/embedded_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/sha256.h"
#include "storage/cluster_process.h"
#include "storage/cluster_programs.h"
#include "storage/cluster_settings.h"
#include "storage/cluster_supervisor.h"
#include "storage/db.h"
#include "storage/statements.h"

enum {
    CHECK_INTERVAL_MS = 20,
    STILL_WAITING_MS = 15 * 1000, /* between two lines in the log */
    LOG_BYTES_MAX = 1 << 20,
    LOG_TAIL_BYTES = 180,
    MARK_HASH_CHARS = 16
};

enum { DATABASE_EXISTS };

static const struct db_statement statements[] = {
    [DATABASE_EXISTS] = {"cluster_database_exists",
                         "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'beffroi')"},
};
STATEMENT_TABLE(embedded_cluster, statements);

struct embedded_cluster {
    struct arena *arena;
    const char *directory; /* absolute: <data_directory>/postgresql */
    const char *data;
    const char *log_path;
    const char *mark;     /* cluster_name: how we recognise our own processes */
    const char *server;   /* conninfo without a database */
    const char *conninfo; /* with ours */
    const char *programs; /* …/bin */
    struct cluster_user user;
    bool without_durability;
    int lock_fd; /* -1: another process runs the cluster, we only use it */
    int data_fd;
    int log_fd;
    struct cluster_supervisor *supervisor;
};

/* ---- files ---- */

static enum errcode file_failed(struct error *error, const char *path, const char *verb)
{
    return fail(error, E_SYSTEM, "%s can not be %s: %s", path, verb, strerrordesc_np(errno));
}

static enum errcode make_directory(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return OK;
    return file_failed(error, path, "made");
}

/* One process at a time runs a cluster. The descriptor stays -1 when another one does. */
static enum errcode take_lock(struct embedded_cluster *cluster, bool may_share, struct error *error)
{
    const char *path = arena_printf(cluster->arena, "%s/lock", cluster->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return file_failed(error, path, "opened");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        cluster->lock_fd = fd;
        return OK;
    }
    close(fd);
    if (may_share)
        return OK;
    return fail(error, E_SYSTEM,
                "Another beffroi runs on %s. Stop it first, or use another data directory",
                cluster->directory);
}

/* The log of the last run is kept when the file has grown. */
static enum errcode open_log(struct embedded_cluster *cluster, struct error *error)
{
    struct stat info;

    if (stat(cluster->log_path, &info) == 0 && info.st_size > LOG_BYTES_MAX)
        /* When that fails the file just grows on. */
        (void)rename(cluster->log_path, arena_printf(cluster->arena, "%s.1", cluster->log_path));
    cluster->log_fd =
        open(cluster->log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (cluster->log_fd < 0)
        return file_failed(error, cluster->log_path, "opened");
    return OK;
}

/* The last line that PostgreSQL's programs have written. */
static const char *last_log_line(const struct embedded_cluster *cluster)
{
    char tail[LOG_TAIL_BYTES + 1];
    struct stat info;

    if (fstat(cluster->log_fd, &info) != 0)
        return "";
    off_t start = info.st_size > LOG_TAIL_BYTES ? info.st_size - LOG_TAIL_BYTES : 0;
    ssize_t size = pread(cluster->log_fd, tail, LOG_TAIL_BYTES, start);
    while (size > 0 && tail[size - 1] == '\n')
        size--;
    tail[size > 0 ? size : 0] = '\0';
    const char *line = strrchr(tail, '\n');
    return arena_strdup(cluster->arena, line != NULL ? line + 1 : tail);
}

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* ---- initdb ---- */

static bool run_to_end(struct embedded_cluster *cluster, const char *const *argv, int directory_fd)
{
    const struct cluster_command command = {argv, directory_fd, cluster->log_fd, SIGKILL};
    pid_t child = cluster_spawn(&cluster->user, &command);
    int status = -1;

    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static enum errcode run_initdb(struct embedded_cluster *cluster, const char *draft,
                               struct error *error)
{
    const char *const argv[] = {arena_printf(cluster->arena, "%s/initdb", cluster->programs),
                                "--pgdata=" CLUSTER_DIRECTORY,
                                "--username=beffroi",
                                "--auth=trust", /* the socket is in a directory with mode 0700 */
                                "--locale=C",
                                "--encoding=UTF8",
                                "--data-checksums",
                                "--no-instructions",
                                cluster->without_durability ? "--no-sync" : NULL,
                                NULL};
    int draft_fd = open_directory(draft);

    if (draft_fd < 0 || fchown(draft_fd, cluster->user.uid, cluster->user.gid) != 0)
        return file_failed(error, draft, "used");
    bool is_made = run_to_end(cluster, argv, draft_fd);
    close(draft_fd);
    if (!is_made)
        return fail(error, E_SYSTEM, "The embedded PostgreSQL could not be made (see %s): %s",
                    cluster->log_path, last_log_line(cluster));
    return OK;
}

static enum errcode make_data(struct embedded_cluster *cluster, struct error *error)
{
    const char *draft = arena_printf(cluster->arena, "%s.new", cluster->data);
    int directory_fd;

    log_info(LOG_DATABASE, "making the embedded PostgreSQL in %s", cluster->directory);
    cluster_delete_directory(draft); /* of an attempt that was interrupted */
    TRY(make_directory(draft, error));
    TRY(run_initdb(cluster, draft, error));
    if (rename(draft, cluster->data) != 0)
        return file_failed(error, draft, "renamed");
    directory_fd = open_directory(cluster->directory);
    bool is_durable = directory_fd >= 0 && fsync(directory_fd) == 0;
    if (directory_fd >= 0)
        close(directory_fd);
    if (!is_durable)
        return file_failed(error, cluster->directory, "written");
    return OK;
}

static enum errcode prepare_data(struct embedded_cluster *cluster, struct error *error)
{
    TRY(cluster_user_find(cluster->data, &cluster->user, error));
    TRY(cluster_programs_find(cluster->arena, cluster->data, &cluster->programs, error));
    if (access(cluster->data, F_OK) != 0)
        TRY(make_data(cluster, error));
    cluster->data_fd = open_directory(cluster->data);
    if (cluster->data_fd < 0)
        return file_failed(error, cluster->data, "opened");
    return OK;
}

/* ---- starting and stopping ---- */

static const char *const *postgres_argv(struct embedded_cluster *cluster,
                                        const struct embedded_cluster_options *options)
{
    ARRAY_OF(const char *) argv = {0};
    const char *const *settings =
        cluster_settings(cluster->arena, machine_measure(cluster->directory), options->connections,
                         options->without_durability);

    array_push(cluster->arena, &argv,
               arena_printf(cluster->arena, "%s/postgres", cluster->programs));
    array_push(cluster->arena, &argv, "-D");
    array_push(cluster->arena, &argv, CLUSTER_DIRECTORY);
    array_push(cluster->arena, &argv, "-k");
    array_push(cluster->arena, &argv, CLUSTER_DIRECTORY);
    array_push(cluster->arena, &argv, "-c");
    array_push(cluster->arena, &argv,
               arena_printf(cluster->arena, "cluster_name=%s", cluster->mark));
    for (; *settings != NULL; settings++) {
        array_push(cluster->arena, &argv, "-c");
        array_push(cluster->arena, &argv, *settings);
    }
    array_push(cluster->arena, &argv, NULL);
    return argv.items;
}

static enum errcode wait_until_it_answers(struct embedded_cluster *cluster, struct error *error)
{
    int64_t next_line_ms = clock_monotonic_ms() + STILL_WAITING_MS;

    while (PQping(cluster->server) != PQPING_OK) {
        if (supervisor_has_ended(cluster->supervisor, CHECK_INTERVAL_MS))
            return fail(error, E_SYSTEM,
                        "The embedded PostgreSQL does not start. The last line of %s is: %s",
                        cluster->log_path, last_log_line(cluster));
        if (clock_monotonic_ms() >= next_line_ms) {
            log_info(LOG_DATABASE, "still waiting for the embedded PostgreSQL: %s",
                     last_log_line(cluster));
            next_line_ms += STILL_WAITING_MS;
        }
    }
    supervisor_confirm(cluster->supervisor);
    return OK;
}

static enum errcode make_database(struct embedded_cluster *cluster, struct error *error)
{
    struct db *db = db_create(cluster->server);
    struct db_rows *rows;

    enum errcode code =
        db_query(db, cluster->arena, &statements[DATABASE_EXISTS], NO_PARAMS, &rows);
    if (code == OK && !rows_bool(rows, 0, 0))
        code = db_run_script(db, "CREATE DATABASE beffroi", NULL);
    if (code != OK)
        code = fail(error, code, "The embedded PostgreSQL does not work: %s", db_last_message(db));
    db_destroy(db);
    return code;
}

/* The path of a Unix socket is short. Where ours is not, it is reached through the open directory.
 */
static void set_conninfo(struct embedded_cluster *cluster)
{
    struct sockaddr_un address;
    const char *host = cluster->data;

    if (strlen(host) + strlen("/.s.PGSQL.5432") >= sizeof(address.sun_path) ||
        strpbrk(host, "'\\,@") != NULL)
        host = arena_printf(cluster->arena, "/proc/self/fd/%d", cluster->data_fd);
    cluster->server =
        arena_printf(cluster->arena, "host='%s' port=5432 user=beffroi dbname=postgres", host);
    /* The last dbname of a conninfo counts. */
    cluster->conninfo = arena_printf(cluster->arena, "%s dbname=beffroi", cluster->server);
}

/* "beffroi-" and a hash of the path: the same at every start. */
static const char *mark_of(struct arena *arena, const char *data)
{
    char hash[SHA256_HEX_CHARS + 1];

    sha256_hex(data, hash);
    return arena_printf(arena, "beffroi-%.*s", MARK_HASH_CHARS, hash);
}

static enum errcode set_paths(struct embedded_cluster *cluster, const char *data_directory,
                              struct error *error)
{
    TRY(make_directory(data_directory, error));
    char *absolute = realpath(data_directory, NULL);
    if (absolute == NULL)
        return file_failed(error, data_directory, "used");
    cluster->directory = arena_printf(cluster->arena, "%s/postgresql", absolute);
    free(absolute);
    cluster->data = arena_printf(cluster->arena, "%s/data", cluster->directory);
    cluster->log_path = arena_printf(cluster->arena, "%s/log", cluster->directory);
    cluster->mark = mark_of(cluster->arena, cluster->data);
    return make_directory(cluster->directory, error);
}

static enum errcode share(struct embedded_cluster *cluster, struct error *error)
{
    cluster->data_fd = open_directory(cluster->data);
    if (cluster->data_fd < 0)
        return file_failed(error, cluster->data, "opened");
    set_conninfo(cluster);
    return OK;
}

static enum errcode start(struct embedded_cluster *cluster,
                          const struct embedded_cluster_options *options, struct error *error)
{
    cluster->without_durability = options->without_durability;
    TRY(set_paths(cluster, options->data_directory, error));
    TRY(take_lock(cluster, options->may_share, error));
    if (cluster->lock_fd < 0)
        return share(cluster, error);
    TRY(open_log(cluster, error));
    TRY(prepare_data(cluster, error));
    set_conninfo(cluster);
    const struct cluster_server server = {
        .user = cluster->user,
        .command = {postgres_argv(cluster, options), cluster->data_fd, cluster->log_fd, SIGINT},
        .mark = cluster->mark,
    };
    TRY(supervisor_start(&server, &cluster->supervisor, error));
    TRY(wait_until_it_answers(cluster, error));
    return make_database(cluster, error);
}

static struct embedded_cluster *create(void)
{
    struct arena *arena = arena_create();
    struct embedded_cluster *cluster = ARENA_NEW(arena, struct embedded_cluster);

    cluster->arena = arena;
    cluster->lock_fd = cluster->data_fd = cluster->log_fd = -1;
    return cluster;
}

enum errcode embedded_cluster_start(const struct embedded_cluster_options *options,
                                    struct embedded_cluster **out, struct error *error)
{
    struct embedded_cluster *cluster = create();
    enum errcode code = start(cluster, options, error);

    if (code != OK) {
        embedded_cluster_stop(cluster);
        return code;
    }
    *out = cluster;
    return OK;
}

const char *embedded_cluster_conninfo(const struct embedded_cluster *cluster)
{
    return cluster->conninfo;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void embedded_cluster_stop(struct embedded_cluster *cluster)
{
    if (cluster == NULL)
        return;
    supervisor_stop(cluster->supervisor);
    close_if_open(cluster->data_fd);
    close_if_open(cluster->log_fd);
    close_if_open(cluster->lock_fd);
    arena_destroy(cluster->arena);
}
