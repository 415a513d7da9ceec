#include "tests/unit/http/fixture.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/rate_limiter.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/journal_internal.h"

struct http_server *test_server;
uint16_t test_port;
sem_t test_slow_gate;
sem_t test_handler_begun;

const char *test_settings[TEST_SETTINGS_MAX];
struct http_patience test_patience;

static struct services services;

/* ── Waiting ── */

enum { WAITERS_MAX = 8192, KEYS_MAX = 8192 };

static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int64_t key;
    struct wake_handle handle;
} waiters[WAITERS_MAX];
static int waiter_count;
static uint64_t sequences[KEYS_MAX];

static bool wait_for_key(void *context, int64_t key, uint64_t seen, struct wake_handle handle)
{
    (void)context;
    pthread_mutex_lock(&waiters_lock);
    bool waits = sequences[key] == seen;
    if (waits) {
        waiters[waiter_count].key = key;
        waiters[waiter_count].handle = handle;
        waiter_count++;
    }
    pthread_mutex_unlock(&waiters_lock);
    return waits;
}

static void forget_key(void *context, int64_t key, struct wake_handle handle)
{
    (void)context;
    (void)key;
    pthread_mutex_lock(&waiters_lock);
    for (int i = 0; i < waiter_count; i++) {
        if (waiters[i].handle.ticket == handle.ticket) {
            waiters[i] = waiters[--waiter_count];
            break;
        }
    }
    pthread_mutex_unlock(&waiters_lock);
}

static const struct wake_source wake_source = {NULL, wait_for_key, forget_key};

static uint64_t sequence_of(int64_t key)
{
    pthread_mutex_lock(&waiters_lock);
    uint64_t sequence = sequences[key];
    pthread_mutex_unlock(&waiters_lock);
    return sequence;
}

void test_wake(int64_t key)
{
    pthread_mutex_lock(&waiters_lock);
    sequences[key]++;
    for (int i = waiter_count - 1; i >= 0; i--) {
        if (waiters[i].key != key)
            continue;
        struct wake_handle handle = waiters[i].handle;
        waiters[i] = waiters[--waiter_count];
        handle.wake(handle.context, handle.ticket);
    }
    pthread_mutex_unlock(&waiters_lock);
}

void test_wake_all(void)
{
    pthread_mutex_lock(&waiters_lock);
    for (int i = 0; i < KEYS_MAX; i++)
        sequences[i]++;
    while (waiter_count > 0) {
        struct wake_handle handle = waiters[--waiter_count].handle;
        handle.wake(handle.context, handle.ticket);
    }
    pthread_mutex_unlock(&waiters_lock);
}

int test_waiter_count(void)
{
    pthread_mutex_lock(&waiters_lock);
    int count = waiter_count;
    pthread_mutex_unlock(&waiters_lock);
    return count;
}

/* ── Handlers ── */

static enum errcode get_echo(struct request *req)
{
    const char *word;
    int64_t number;

    TRY(path_string(req, "word", &word));
    TRY(query_int(req, "n", 7, 0, 100, &number));
    return respond(req, 200,
                   json_pack("{s:s, s:I, s:s*, s:s*, s:s*}", "word", word, "n", (json_int_t)number,
                             "q", query_string(req, "q"), "user", req->requester.user_id, "client",
                             req->client_address));
}

static enum errcode post_body(struct request *req)
{
    const char *text;

    TRY(body_string_optional(req, "text", &text));
    return respond(req, 200, json_incref(request_body(req)));
}

static enum errcode post_raw(struct request *req)
{
    size_t size;

    request_body_bytes(req, &size);
    return respond(req, 200, json_pack("{s:I}", "size", (json_int_t)size));
}

static enum errcode get_failure(struct request *req)
{
    const char *how;

    TRY(path_string(req, "how", &how));
    response_header(req, "X-Test", "kept\r\nInjected: yes");
    if (strcmp(how, "forbidden") == 0)
        return fail(&req->error, M_FORBIDDEN, "Not \"you\".\n");
    if (strcmp(how, "secret") == 0)
        return fail(&req->error, E_DATABASE, "password of the database");
    if (strcmp(how, "unavailable") == 0)
        return E_UNAVAILABLE;
    return OK; /* a handler that forgot to answer */
}

static enum errcode get_page(struct request *req)
{
    response_header(req, "X-Test", "a\r\nInjected: yes");
    return respond_html(req, 200, "<p>hello</p>");
}

static enum errcode get_redirect(struct request *req)
{
    return respond_redirect(req, "https://example.org/");
}

static enum errcode get_file(struct request *req)
{
    FILE *file = tmpfile();

    if (file == NULL)
        return E_SYSTEM;
    fputs("0123456789", file);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    return respond_file(req, 200, "application/octet-stream", fd, 2, 5);
}

static enum errcode get_slow(struct request *req)
{
    sem_post(&test_handler_begun);
    while (sem_wait(&test_slow_gate) != 0)
        ;
    return respond_empty(req);
}

/* Answers with how often it ran when the key's sequence is past `after`, or at the deadline. */
static enum errcode get_park(struct request *req)
{
    int64_t key, after, timeout_ms;
    int *runs = req_memo(req);

    if (runs == NULL)
        req_set_memo(req, runs = calloc(1, sizeof(*runs)));
    ++*runs;
    sem_post(&test_handler_begun);
    TRY(query_int(req, "key", 0, 0, KEYS_MAX - 1, &key));
    TRY(query_int(req, "after", 0, 0, INT64_MAX, &after));
    TRY(query_int(req, "timeout", 30000, 0, 60000, &timeout_ms));
    uint64_t seen = sequence_of(key);
    if (seen > (uint64_t)after || req_woken_by_deadline(req))
        return respond(
            req, 200,
            json_pack("{s:i, s:b}", "runs", *runs, "deadline", (int)req_woken_by_deadline(req)));
    return req_park(req, &wake_source, key, seen, req_started_ms(req) + timeout_ms);
}

/* Answers with how often it ran, the last time on a thread that has a database; that none of them
 * can be reached is no matter to it. */
static enum errcode get_stored(struct request *req)
{
    static const struct db_statement statement = {"test_stored", "SELECT 1"};
    struct db_rows *rows;
    int *runs = req_memo(req);

    if (runs == NULL)
        req_set_memo(req, runs = calloc(1, sizeof(*runs)));
    ++*runs;
    bool is_absent = db_is_absent(req->call.db);
    enum errcode code = db_query(req->call.db, req->call.arena, &statement, NO_PARAMS, &rows);
    return respond(req, 200,
                   json_pack("{s:i, s:b, s:b}", "runs", *runs, "absent", (int)is_absent,
                             "unavailable", (int)(code == E_UNAVAILABLE)));
}

/* ── Commit ── */

enum { GROUPS_MAX = 64 };
static pthread_mutex_t groups_lock = PTHREAD_MUTEX_INITIALIZER;
static struct commit_group *groups[GROUPS_MAX];
static size_t group_count;

static enum errcode post_commit(struct request *req)
{
    pthread_mutex_lock(&groups_lock);
    commit_group_enter(req->call.commits);
    groups[group_count++] = req->call.commits;
    pthread_mutex_unlock(&groups_lock);
    sem_post(&test_handler_begun);
    return respond(req, 200, json_incref(request_body(req)));
}

void test_commit(enum errcode outcome)
{
    pthread_mutex_lock(&groups_lock);
    assert_true(group_count > 0);
    struct commit_group *group = groups[0];
    memmove(groups, groups + 1, --group_count * sizeof(struct commit_group *));
    pthread_mutex_unlock(&groups_lock);
    commit_group_leave(group, outcome);
}

/* ── Streaming ── */

struct upload {
    int64_t size;
    uint64_t sum;
    bool fails;
};

static enum errcode upload_chunk(struct request *req, void *context, const char *bytes, size_t size)
{
    struct upload *upload = context;

    for (size_t i = 0; i < size; i++)
        upload->sum += (unsigned char)bytes[i];
    upload->size += (int64_t)size;
    if (upload->fails)
        return fail(&req->error, M_FORBIDDEN, "This upload is not wanted.");
    return OK;
}

static enum errcode upload_finish(struct request *req, void *context)
{
    const struct upload *upload = context;

    return respond(
        req, 200,
        json_pack("{s:I, s:I}", "size", (json_int_t)upload->size, "sum", (json_int_t)upload->sum));
}

static void upload_close(void *context, bool complete)
{
    (void)complete;
    free(context);
}

static const struct body_sink upload_sink = {upload_chunk, upload_finish, upload_close};

static enum errcode put_upload(struct request *req)
{
    if (query_string(req, "refuse") != NULL)
        return M_FORBIDDEN;
    struct upload *upload = calloc(1, sizeof(*upload));
    upload->fails = query_string(req, "fail") != NULL;
    return req_receive_body(req, 4 << 20, &upload_sink, upload);
}

/* clang-format off */
static const struct route routes[] = {
    {GET,  "/test/echo/{word}",   get_echo,     OPTIONAL_USER, LIMIT_NONE,  NO_BODY,       0},
    {POST, "/test/body",          post_body,    ANYONE,        LIMIT_NONE,  JSON_BODY,     0},
    {POST, "/test/optional",      post_body,    ANYONE,        LIMIT_NONE,  JSON_OPTIONAL, 0},
    {POST, "/test/raw",           post_raw,     ANYONE,        LIMIT_NONE,  RAW_BODY,      0},
    {POST, "/test/nothing",       post_raw,     ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/failure/{how}", get_failure,  ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/page",          get_page,     ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/redirect",      get_redirect, ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/file",          get_file,     ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/slow",          get_slow,     ANYONE,        LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/outward",       get_slow,     ANYONE,        LIMIT_NONE,  NO_BODY,       CALLS_OUT},
    {GET,  "/test/park",          get_park,     ANYONE,        LIMIT_NONE,  NO_BODY,       PARKS},
    {GET,  "/test/quick",         get_park,     ANYONE,        LIMIT_NONE,  NO_BODY,       PARKS | QUICK},
    {GET,  "/test/stored",        get_stored,   ANYONE,        LIMIT_NONE,  NO_BODY,       QUICK},
    {POST, "/test/commit",        post_commit,  ANYONE,        LIMIT_NONE,  JSON_BODY,     0},
    {PUT,  "/test/upload",        put_upload,   ANYONE,        LIMIT_NONE,  STREAM_BODY,   0},
    {GET,  "/test/limited",       get_page,     GUEST,         LIMIT_OTHER, NO_BODY,       0},
    {GET,  "/test/login",         get_page,     ANYONE,        LIMIT_LOGIN, NO_BODY,       0},
    {GET,  "/test/guest",         get_page,     GUEST,         LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/user",          get_page,     USER,          LIMIT_NONE,  NO_BODY,       0},
    {POST, "/test/user",          post_raw,     USER,          LIMIT_NONE,  NO_BODY,       0},
    {POST, "/test/logout",        post_raw,     USER,          LIMIT_NONE,  NO_BODY,       WHILE_LOCKED | WHILE_SUSPENDED},
    {GET,  "/test/admin",         get_page,     ADMIN,         LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/test/service",       get_page,     APPSERVICE,    LIMIT_NONE,  NO_BODY,       0},
    {GET,  "/_matrix/federation/v1/test", get_page, SERVER,    LIMIT_NONE,  NO_BODY,       0},
};
/* clang-format on */

static enum errcode authenticate(struct call *call, const char *token, const char *user_id,
                                 const char *device_id, struct requester *out)
{
    static const char *const known[] = {"alice",     "guest", "locked",
                                        "suspended", "admin", "service"};

    (void)user_id;
    (void)device_id;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(token, known[i]) != 0)
            continue;
        out->user_id = arena_printf(call->arena, "@%s:test", token);
        out->is_guest = strcmp(token, "guest") == 0;
        out->is_locked = strcmp(token, "locked") == 0;
        out->is_suspended = strcmp(token, "suspended") == 0;
        out->is_admin = strcmp(token, "admin") == 0;
        out->appservice_id = strcmp(token, "service") == 0 ? "bridge" : NULL;
        out->is_unlimited = out->appservice_id != NULL;
        return OK;
    }
    return M_UNKNOWN_TOKEN;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_yaml(const char *path)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file,
            "domains: [{name: test}]\n"
            "listeners: [{address: '127.0.0.1:%d', apis: [client]}]\n"
            "limits: {request_body_bytes: 1048576}\n"
            "rate_limits: {enabled: false}\n"
            "federation: {enabled: false}\n",
            free_port());
    fclose(file);
}

static const struct config *load_config(struct arena *arena)
{
    const char *path = arena_printf(arena, "/tmp/beffroi-http-%d.yaml", getpid());
    const struct config_source source = {.path = path, .settings = test_settings};
    struct config_report *report = config_report_create(arena);
    const struct config *config = NULL;

    write_yaml(path);
    if (config_load(&source, report, &config) != OK)
        fprintf(stderr, "%s\n", config_report_text(report, NULL));
    unlink(path);
    return config;
}

int test_server_start(void **state)
{
    struct error error = {0};

    SCOPED(arena_release) struct arena *arena = arena_create();

    (void)state;
    log_configure(getenv("TEST_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, false);
    sem_init(&test_slow_gate, 0, 0);
    sem_init(&test_handler_begun, 0, 0);
    const struct config *config = load_config(arena);
    if (config == NULL)
        return -1;
    services.config = config_holder_create(config);
    services.rate_limiter = rate_limiter_create();
    const struct http_server_options options = {
        .services = &services,
        .conninfo = "host=/nonexistent",
        .routes = routes,
        .route_count = COUNT_OF(routes),
        .authenticate_user = authenticate,
        .patience = test_patience,
    };
    if (http_server_create(&options, &error, &test_server) != OK) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    test_port = http_server_port(test_server, 0);
    return 0;
}

int test_server_stop(void **state)
{
    (void)state;
    if (test_server == NULL || !http_server_drain(test_server, 10000))
        return -1;
    http_server_destroy(test_server);
    rate_limiter_destroy(services.rate_limiter);
    config_holder_destroy(services.config);
    return 0;
}
