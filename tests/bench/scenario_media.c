/* Files go up, then come down again. */
#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 8, FILES = 40, FILE_BYTES = 500000, CONNECTIONS = 4, DOWNLOADS_EACH = 5 };

struct exchange {
    struct bench *bench;
    char *bytes;
    size_t size;
    int64_t files;
    const char **names; /* "server/id" */
};

/* Different bytes each time: some servers store equal files once. */
static bool make_upload(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                        struct http_request *out)
{
    struct exchange *exchange = context;
    const struct bench *bench = exchange->bench;

    memcpy(exchange->bytes, bench->run, strlen(bench->run));
    memcpy(exchange->bytes + strlen(bench->run), &index, sizeof(index));
    out->method = "POST";
    out->target =
        arena_printf(arena, "/_matrix/media/v3/upload?filename=minutes-%lld.bin", (long long)index);
    out->token = bench->users[index % bench->user_count].token;
    out->content_type = "application/octet-stream";
    out->body = exchange->bytes;
    out->body_size = exchange->size;
    return true;
}

static void uploaded(void *context, int slot UNUSED, int64_t index,
                     const struct http_answer *answer)
{
    struct exchange *exchange = context;
    const char *uri = answer_text(exchange->bench->arena, answer, "content_uri");

    if (uri != NULL && strncmp(uri, "mxc://", 6) == 0)
        exchange->names[index] = uri + 6;
}

static bool make_download(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                          struct http_request *out)
{
    const struct exchange *exchange = context;
    const char *name = exchange->names[index % exchange->files];

    out->method = "GET";
    out->target = arena_printf(arena, "/_matrix/client/v1/media/download/%s", name);
    out->token = exchange->bench->users[index % exchange->bench->user_count].token;
    return true;
}

/* One direction, with its rate in bytes. */
static bool transfer(struct exchange *exchange, struct work *work)
{
    struct bench *bench = exchange->bench;
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);

    work->width = (int)bench_option(bench->options.connections, CONNECTIONS);
    work->context = exchange;
    if (!work_run(bench, work, result))
        return false;
    struct bench_meter end = bench_meter_start(bench);
    double megabytes = (double)result->latency.count * (double)exchange->size / 1e6;
    bench_figure(bench, arena_printf(bench->arena, "%s, rate", work->name),
                 megabytes * 1e6 / (double)result->took_us, "MB/s");
    if (end.server.processes > 0 && megabytes > 0)
        bench_figure(bench, arena_printf(bench->arena, "%s, server CPU per MB", work->name),
                     (double)(end.server.cpu_us - meter.server.cpu_us) / megabytes, "us");
    return result->errors == 0;
}

static bool run(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    const struct population wanted = {bench_option(options->users, USERS), 0, 0, 0};
    struct exchange exchange = {
        .bench = bench,
        .size = (size_t)bench_option(options->bytes, FILE_BYTES),
        .files = bench_option(options->count, FILES),
    };
    struct work up = {
        .name = "upload", .count = exchange.files, .make = make_upload, .done = uploaded};
    struct work down = {
        .name = "download", .count = DOWNLOADS_EACH * exchange.files, .make = make_download};

    if (exchange.size < 64)
        exchange.size = 64;
    exchange.bytes = arena_alloc(bench->arena, exchange.size);
    for (size_t i = 0; i < exchange.size; i++)
        exchange.bytes[i] = (char)(i * 31 % 251);
    exchange.names = ARENA_ARRAY(bench->arena, (size_t)exchange.files, const char *);
    if (!population_make(bench, &wanted) || !transfer(&exchange, &up) ||
        !transfer(&exchange, &down))
        return false;
    bench_meter_report(bench, &(struct bench_meter){0}, 0, "files");
    return true;
}

const struct scenario scenario_media = {
    .name = "media",
    .summary = "files go up, each comes down five times",
    .defaults = "--users 8 --count 40 --bytes 500000 --connections 4",
    .run = run,
};
