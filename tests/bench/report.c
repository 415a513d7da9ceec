/* The figures of a run, for people and for programs. */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "tests/bench/bench.h"

enum { SAMPLE_MS = 2000 };

int64_t bench_option(int64_t given, int64_t standard)
{
    return given > 0 ? given : standard;
}

struct http_conn *bench_conn(struct bench *bench, int number)
{
    if (number >= BENCH_CONNECTIONS_MAX)
        abort();
    if (bench->conns[number] == NULL)
        bench->conns[number] = http_conn_create(bench->loop);
    return bench->conns[number];
}

void bench_figure(struct bench *bench, const char *name, double value, const char *unit)
{
    if (bench->figure_count == BENCH_FIGURES_MAX)
        abort();
    bench->figures[bench->figure_count++] =
        (struct bench_figure){arena_strdup(bench->arena, name), value, unit};
}

struct work_result *bench_result(struct bench *bench)
{
    if (bench->result_count == BENCH_RESULTS_MAX)
        abort();
    struct work_result *result = ARENA_NEW(bench->arena, struct work_result);
    *result = (struct work_result){.name = "not reached"};
    bench->results[bench->result_count++] = result;
    return result;
}

struct work_result *bench_named_result(struct bench *bench, const char *name)
{
    struct work_result *result = bench_result(bench);

    result->name = name;
    return result;
}

bool bench_count_answer(struct work_result *result, const struct http_answer *answer,
                        int64_t took_us)
{
    result->bytes += (int64_t)answer->size;
    if (answer->status / 100 != 2) {
        work_note_error(result, answer);
        return false;
    }
    histogram_add(&result->latency, took_us);
    return true;
}

static void note_peak(int64_t *peak, int64_t bytes)
{
    if (bytes > *peak)
        *peak = bytes;
}

void bench_sample(struct bench *bench)
{
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms < bench->sampled_at_ms + SAMPLE_MS)
        return;
    bench->sampled_at_ms = now_ms;
    note_peak(&bench->server_peak_bytes,
              proc_resident_bytes_of_tree(bench->server, bench->postgres));
    note_peak(&bench->postgres_peak_bytes, proc_resident_bytes_of_tree(bench->postgres, 0));
}

struct bench_meter bench_meter_start(struct bench *bench)
{
    const char *directory = bench->options.database_directory;

    return (struct bench_meter){
        .server = proc_usage_of_tree(bench->server, bench->postgres),
        .postgres = proc_usage_of_tree(bench->postgres, 0),
        .disk_bytes = directory != NULL ? proc_directory_bytes(directory) : 0,
        .at_us = clock_monotonic_us(),
    };
}

static void report_process(struct bench *bench, const char *name, struct proc_usage before,
                           struct proc_usage after, int64_t operations, int64_t peak_bytes)
{
    double cpu_us = (double)(after.cpu_us - before.cpu_us);
    struct arena *arena = bench->arena;

    if (after.processes == 0)
        return;
    if (before.processes > 0)
        bench_figure(bench, arena_printf(arena, "%s CPU", name), cpu_us / 1e6, "s");
    if (operations > 0)
        bench_figure(bench, arena_printf(arena, "%s CPU per operation", name),
                     cpu_us / (double)operations, "us");
    bench_figure(bench, arena_printf(arena, "%s memory", name), (double)after.rss_bytes / (1 << 20),
                 "MiB");
    bench_figure(bench, arena_printf(arena, "%s memory, peak", name),
                 (double)(peak_bytes > after.rss_bytes ? peak_bytes : after.rss_bytes) / (1 << 20),
                 "MiB");
}

void bench_meter_report(struct bench *bench, const struct bench_meter *start, int64_t operations,
                        const char *noun)
{
    struct bench_meter end = bench_meter_start(bench);
    double seconds = (double)(end.at_us - start->at_us) / 1e6;

    if (operations > 0) {
        bench_figure(bench, noun, (double)operations, "");
        bench_figure(bench, arena_printf(bench->arena, "%s per second", noun),
                     (double)operations / seconds, "/s");
    }
    report_process(bench, "server", start->server, end.server, operations,
                   bench->server_peak_bytes);
    if (end.server.processes > 0)
        bench_figure(
            bench, "server memory, with shared pages",
            (double)proc_resident_bytes_of_tree(bench->server, bench->postgres) / (1 << 20), "MiB");
    report_process(bench, "postgres", start->postgres, end.postgres, operations,
                   bench->postgres_peak_bytes);
    if (end.disk_bytes > 0 && operations > 0)
        bench_figure(bench, arena_printf(bench->arena, "disk for %s", noun),
                     (double)(end.disk_bytes - start->disk_bytes) / (double)operations,
                     "bytes each");
}

static double seconds_of(int64_t us)
{
    return (double)us / 1e6;
}

static double rate_of(const struct work_result *result)
{
    return result->took_us > 0 ? (double)result->latency.count / seconds_of(result->took_us) : 0;
}

static void print_result(const struct work_result *result)
{
    const struct histogram *latency = &result->latency;

    printf("%-28s %8" PRId64 " in %.2f s, %.1f/s, p50 %.2f p95 %.2f p99 %.2f max %.2f ms",
           result->name, latency->count, seconds_of(result->took_us), rate_of(result),
           (double)histogram_quantile(latency, 0.50) / 1e3,
           (double)histogram_quantile(latency, 0.95) / 1e3,
           (double)histogram_quantile(latency, 0.99) / 1e3, (double)latency->largest_us / 1e3);
    printf(", %" PRId64 " errors, %.1f kB each\n", result->errors,
           latency->count > 0 ? (double)result->bytes / (double)latency->count / 1e3 : 0);
}

static void add_result(struct strbuf *out, const struct work_result *result)
{
    const struct histogram *latency = &result->latency;

    strbuf_add_json_string(out, result->name, strlen(result->name));
    strbuf_printf(out, ":{\"count\":%" PRId64 ",\"errors\":%" PRId64 ",\"seconds\":%.6f",
                  latency->count, result->errors, seconds_of(result->took_us));
    strbuf_printf(out, ",\"per_second\":%.2f,\"bytes\":%" PRId64, rate_of(result), result->bytes);
    strbuf_printf(out, ",\"p50_us\":%" PRId64 ",\"p95_us\":%" PRId64,
                  histogram_quantile(latency, 0.50), histogram_quantile(latency, 0.95));
    strbuf_printf(out, ",\"p99_us\":%" PRId64 ",\"max_us\":%" PRId64 "}",
                  histogram_quantile(latency, 0.99), latency->largest_us);
}

static bool write_json(const struct bench *bench, const struct scenario *scenario,
                       const char *machine)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    strbuf_printf(&out, "{\"scenario\":\"%s\",\"url\":", scenario->name);
    strbuf_add_json_string(&out, bench->options.url, strlen(bench->options.url));
    strbuf_add_string(&out, ",\"machine\":");
    strbuf_add_json_string(&out, machine, strlen(machine));
    strbuf_add_string(&out, ",\"results\":{");
    for (size_t i = 0; i < bench->result_count; i++) {
        strbuf_add_string(&out, i > 0 ? "," : "");
        add_result(&out, bench->results[i]);
    }
    strbuf_add_string(&out, "},\"figures\":{");
    for (size_t i = 0; i < bench->figure_count; i++) {
        const struct bench_figure *figure = &bench->figures[i];
        strbuf_add_string(&out, i > 0 ? "," : "");
        strbuf_add_json_string(&out, figure->name, strlen(figure->name));
        strbuf_printf(&out, ":{\"value\":%.6g,\"unit\":\"%s\"}", figure->value, figure->unit);
    }
    strbuf_add_string(&out, "}}\n");
    FILE *file = fopen(bench->options.json_path, "we");
    bool written = file != NULL && fputs(out.data, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        written = false;
    strbuf_finish(&out);
    if (!written)
        fprintf(stderr, "beffroi-bench: can not write %s\n", bench->options.json_path);
    return written;
}

bool bench_report(const struct bench *bench, const struct scenario *scenario)
{
    char machine[256];

    proc_machine(machine, sizeof(machine));
    printf("%s against %s on %s\n", scenario->name, bench->options.url, machine);
    for (size_t i = 0; i < bench->result_count; i++)
        print_result(bench->results[i]);
    for (size_t i = 0; i < bench->figure_count; i++)
        printf("%-28s %12.2f %s\n", bench->figures[i].name, bench->figures[i].value,
               bench->figures[i].unit);
    return bench->options.json_path == NULL || write_json(bench, scenario, machine);
}
