/* beffroi federation destinations, beffroi federation retry */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/glob.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "storage/destinations.h"

enum { SERVERS_PER_READ = 200 };

struct selection {
    const char *pattern; /* NULL: all */
    bool only_failing;
};

static const char *moment(struct arena *arena, int64_t ts)
{
    time_t seconds = (time_t)(ts / 1000);
    struct tm when;
    char text[32];

    gmtime_r(&seconds, &when);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &when);
    return arena_strdup(arena, text);
}

static void print_report(struct arena *arena, const struct destination_report *report)
{
    const struct stored_destination *health = &report->health;
    int64_t wait_ms = health->retry_ts - clock_wall_ms();

    printf("%s  %s", report->server_name,
           health->failing_since_ts != 0 ? "does not answer" : "answers");
    if (report->sent_ts != 0)
        printf(", took something last at %s", moment(arena, report->sent_ts));
    if (report->is_waiting)
        printf(", %s%" PRId64 " events behind since %s", report->events_behind > 0 ? "about " : "",
               report->events_behind, moment(arena, report->waiting_since_ts));
    printf("\n");
    if (health->failing_since_ts == 0)
        return;
    printf("    since %s; %s%" PRId64 " s\n", moment(arena, health->failing_since_ts),
           "next try in ", wait_ms > 0 ? wait_ms / 1000 + 1 : 0);
    if (report->last_error != NULL)
        printf("    %s\n", report->last_error);
}

static enum errcode list(struct account_session *session, const void *options)
{
    const struct selection *selection = options;
    struct destination_query query = {.only_failing = selection->only_failing,
                                      .limit = SERVERS_PER_READ};
    size_t count;

    do {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct destination_report *reports;
        TRY(destinations_report(session->call.db, arena, &query, &reports, &count));
        for (size_t i = 0; i < count; i++) {
            if (selection->pattern == NULL ||
                glob_match(selection->pattern, reports[i].server_name, true))
                print_report(arena, &reports[i]);
        }
        query.from += SERVERS_PER_READ;
    } while (count == SERVERS_PER_READ);
    return OK;
}

static enum exit_status run_list(struct invocation *invocation)
{
    struct selection selection = {0};
    const struct command_option options[] = {
        {"failing", NULL, "only those that do not answer or are behind", &selection.only_failing,
         NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    if (invocation->operand_count > 0)
        selection.pattern = invocation->operands[0];
    return account_session_run(invocation, list, &selection);
}

static enum errcode retry(struct account_session *session, const void *options)
{
    const char *server_name = options;
    bool was_failing;

    TRY(destination_ask_retry(session->call.db, server_name, &was_failing));
    if (!was_failing)
        return fail(&session->error, M_NOT_FOUND,
                    "%s counts as answering: there is nothing to try again.", server_name);
    printf("%s is called again within ten seconds, if something waits for it.\n", server_name);
    return OK;
}

static enum exit_status run_retry(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    return account_session_run(invocation, retry, invocation->operands[0]);
}

const struct command command_federation_destinations = {
    .name = "federation destinations",
    .operands = "[PATTERN]",
    .summary = "other servers: whether they answer, how far behind they are",
    .details =
        "PATTERN is compared with whole server names; * and ? are wildcards. Times are UTC.\n"
        "Events are counted among the next 5,000 that the server has not heard of.\n"
        "`beffroi federation check` finds out why one does not answer.\n"
        "\n"
        "  beffroi federation destinations --failing\n",
    .run = run_list,
};

const struct command command_federation_retry = {
    .name = "federation retry",
    .operands = "SERVER",
    .summary = "call a server again that did not answer, without waiting",
    .details = "A server that does not answer is called at growing intervals, up to an hour. When\n"
               "it is known to be back, this has it called within ten seconds.\n"
               "\n"
               "  beffroi federation retry example.org\n",
    .run = run_retry,
};
