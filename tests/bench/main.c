/*
 * beffroi-bench: how fast is a homeserver? It speaks the public client-server API only, so any
 * homeserver can be asked. `beffroi bench` starts it.
 */
#include <getopt.h>
#include <sys/resource.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "tests/bench/bench.h"

static const struct scenario *const scenarios[] = {
    &scenario_send,     &scenario_fanout, &scenario_initial_sync, &scenario_incremental,
    &scenario_messages, &scenario_search, &scenario_join,         &scenario_media,
    &scenario_login,    &scenario_idle,   &scenario_morning,      &scenario_capacity,
    &scenario_push,
};

enum { EXIT_BAD_USAGE = 2, RUN_NAME_CHARS = 6 };

/* One row per option; `number` or `text` is where its value goes. */
struct option_row {
    const char *name, *argument, *help;
    int64_t *number;
    const char **text;
};

static void print_help(const struct option_row *rows)
{
    printf("beffroi bench: measure a Matrix homeserver through the client-server API\n"
           "\n"
           "Usage: beffroi bench SCENARIO [OPTIONS]    (or, alone: beffroi-bench SCENARIO …)\n"
           "\n"
           "Scenarios, with the options that count and their defaults:\n");
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        printf("  %-13s %s\n      %s\n", scenarios[i]->name, scenarios[i]->summary,
               scenarios[i]->defaults);
    printf("\nOptions:\n");
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        char left[48];
        snprintf(left, sizeof(left), "--%s %s", row->name, row->argument);
        printf("  %-24s %s\n", left, row->help);
    }
    printf(
        "  --quiet                  no progress\n"
        "\n"
        "The server must allow open registration and must have its rate limits off. Use a server\n"
        "for tests: the users and rooms that are made stay. CPU and memory are shown when the\n"
        "server runs on this machine, as this user or seen by root.\n"
        "\n"
        "  beffroi bench send --users 100 --rooms 100 --count 20000\n"
        "  beffroi bench initial-sync --url http://127.0.0.1:8008 --json sync.json\n");
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        if (strcmp(scenarios[i]->name, name) == 0)
            return scenarios[i];
    }
    fprintf(stderr, "beffroi-bench: there is no scenario \"%s\"; --help lists all\n", name);
    return NULL;
}

static bool read_value(const struct option_row *row, const char *value)
{
    char *end;

    if (row->text != NULL) {
        *row->text = value;
        return true;
    }
    *row->number = strtoll(value, &end, 10);
    if (*value != '\0' && *end == '\0' && *row->number >= 0)
        return true;
    fprintf(stderr, "beffroi-bench: --%s wants a number, not \"%s\"\n", row->name, value);
    return false;
}

enum { OPTIONS_MAX = 32, CODE_HELP = OPTIONS_MAX, CODE_QUIET };

/* The options of getopt_long() from our rows. */
static void fill_long_options(const struct option_row *rows, struct option *out)
{
    int count = 0;

    for (; rows[count].name != NULL; count++)
        out[count] = (struct option){rows[count].name, required_argument, NULL, count};
    out[count++] = (struct option){"help", no_argument, NULL, CODE_HELP};
    out[count++] = (struct option){"quiet", no_argument, NULL, CODE_QUIET};
    out[count] = (struct option){0};
}

/* The scenario, or NULL with the exit status. */
static const struct scenario *read_arguments(int argc, char **argv, struct bench_options *options,
                                             int *status_out)
{
    const struct option_row rows[] = {
        {"url", "URL", "the server (http://127.0.0.1:8008)", NULL, &options->url},
        {"users", "N", "accounts to make", &options->users, NULL},
        {"rooms", "N", "rooms to make", &options->rooms, NULL},
        {"members", "N", "members of each room", &options->members, NULL},
        {"history", "N", "messages in each room before the measurement", &options->history, NULL},
        {"connections", "N", "requests at the same time", &options->connections, NULL},
        {"count", "N", "operations to measure", &options->count, NULL},
        {"seconds", "N", "how long to measure", &options->seconds, NULL},
        {"bytes", "N", "size of a message's text, or of a file", &options->bytes, NULL},
        {"page", "N", "events of a page of history", &options->page, NULL},
        {"rate", "N", "what one person does in a minute", &options->rate, NULL},
        {"population", "FILE", "take users and rooms from there; made when missing", NULL,
         &options->population_path},
        {"gateway-pem", "FILE", "certificate and key of the push gateway", NULL,
         &options->gateway_pem},
        {"gateway-port", "N", "its port on 127.0.0.1", &options->gateway_port, NULL},
        {"state-percent", "N", "how many of the events are state", &options->state_percent, NULL},
        {"server-pid", "PID", "the server's process; found by its port", &options->server_pid,
         NULL},
        {"postgres-pid", "PID", "its PostgreSQL; found below the server", &options->postgres_pid,
         NULL},
        {"database-directory", "DIR", "to measure bytes on disk", NULL,
         &options->database_directory},
        {"json", "FILE", "write the figures as JSON", NULL, &options->json_path},
        {0},
    };
    struct option long_options[OPTIONS_MAX + 3];
    int code;

    fill_long_options(rows, long_options);
    *status_out = EXIT_BAD_USAGE;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (code == 'h' || code == CODE_HELP) {
            print_help(rows);
            *status_out = EXIT_SUCCESS;
            return NULL;
        }
        if (code == CODE_QUIET)
            options->quiet = true;
        else if (code >= OPTIONS_MAX || !read_value(&rows[code], optarg))
            return NULL;
    }
    if (optind != argc - 1) {
        print_help(rows);
        return NULL;
    }
    return find_scenario(argv[optind]);
}

static void find_processes(struct bench *bench)
{
    const struct bench_options *options = &bench->options;

    bench->server = options->server_pid > 0 ? (pid_t)options->server_pid
                                            : proc_find_listener(http_loop_port(bench->loop));
    if (options->postgres_pid > 0)
        bench->postgres = (pid_t)options->postgres_pid;
    else if (bench->server > 0)
        bench->postgres = proc_find_below(bench->server, "postgres");
}

/* Ten thousand connections are ten thousand descriptors. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct bench bench = {.arena = arena, .options = {.url = "http://127.0.0.1:8008"}};
    int status;

    const struct scenario *scenario = read_arguments(argc, argv, &bench.options, &status);
    if (scenario == NULL)
        return status;
    raise_descriptor_limit();
    bench.loop = http_loop_create(bench.options.url);
    if (bench.loop == NULL) {
        fprintf(stderr, "beffroi-bench: \"%s\" is no http:// address of a server\n",
                bench.options.url);
        return EXIT_BAD_USAGE;
    }
    bench.conns = ARENA_ARRAY(arena, BENCH_CONNECTIONS_MAX, struct http_conn *);
    char *run = random_upper(arena, RUN_NAME_CHARS);
    for (char *c = run; *c != '\0'; c++)
        *c = (char)(*c - 'A' + 'a');
    bench.run = run;
    find_processes(&bench);
    bool worked = scenario->run(&bench);
    bool reported = bench_report(&bench, scenario);
    http_loop_destroy(bench.loop);
    return worked && reported ? EXIT_SUCCESS : EXIT_FAILURE;
}
