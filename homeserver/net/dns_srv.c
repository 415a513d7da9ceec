/* SRV records by c-ares. Spec for the order of targets: RFC 2782. */
#include "homeserver/net/dns_srv.h"

#include <ares.h>
#include <poll.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"

enum { TARGETS_MAX = 32, TRIES = 2 };

struct candidate {
    struct srv_target target;
    int priority, weight;
};

struct lookup {
    struct arena *arena;
    bool done;
    int status;
    struct candidate candidates[TARGETS_MAX];
    size_t count;
};

static void read_answer(void *context, int status, int timeouts, unsigned char *bytes, int size)
{
    struct lookup *lookup = context;
    struct ares_srv_reply *records = NULL;

    (void)timeouts;
    lookup->done = true;
    lookup->status = status;
    if (status != ARES_SUCCESS)
        return;
    lookup->status = ares_parse_srv_reply(bytes, size, &records);
    for (const struct ares_srv_reply *record = records; record != NULL; record = record->next) {
        if (lookup->count == TARGETS_MAX)
            break;
        /* The root as target: there is no such service here. */
        if (record->host[0] == '\0' || strcmp(record->host, ".") == 0)
            continue;
        lookup->candidates[lookup->count++] = (struct candidate){
            .target = {.host = arena_strdup(lookup->arena, record->host), .port = record->port},
            .priority = record->priority,
            .weight = record->weight,
        };
    }
    ares_free_data(records);
}

static void wait_for_answer(ares_channel channel, const struct lookup *lookup, int64_t deadline_ms)
{
    while (!lookup->done) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        struct pollfd polled[ARES_GETSOCK_MAXNUM];
        int64_t left = deadline_ms - clock_monotonic_ms();
        /* One bit for each socket to read from, then one for each to write to. */
        unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
        nfds_t count = 0;

        for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            short events = bits >> i & 1 ? POLLIN : 0;
            if (bits >> (i + ARES_GETSOCK_MAXNUM) & 1)
                events |= POLLOUT;
            if (events != 0)
                polled[count++] = (struct pollfd){.fd = sockets[i], .events = events};
        }
        if (left <= 0) {
            ares_cancel(channel); /* calls read_answer() */
            return;
        }
        (void)poll(polled, count, left < 100 ? (int)left : 100);
        if (count == 0)
            ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        for (nfds_t i = 0; i < count; i++)
            ares_process_fd(channel,
                            polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd
                                                                             : ARES_SOCKET_BAD,
                            polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
    }
}

/* The index of the next one to try: the lowest priority, and among those by weight. */
static size_t choose(const struct candidate *candidates, size_t count)
{
    int lowest = candidates[0].priority;
    uint32_t total = 0, chosen;

    for (size_t i = 1; i < count; i++)
        lowest = candidates[i].priority < lowest ? candidates[i].priority : lowest;
    /* One is added to each weight, so that those of weight 0 have a small chance. */
    for (size_t i = 0; i < count; i++)
        total += candidates[i].priority == lowest ? (uint32_t)candidates[i].weight + 1 : 0;
    chosen = random_below(total);
    for (size_t i = 0; i < count; i++) {
        uint32_t weight = (uint32_t)candidates[i].weight + 1;
        if (candidates[i].priority != lowest)
            continue;
        if (chosen < weight)
            return i;
        chosen -= weight;
    }
    return 0;
}

static struct srv_target *in_order(struct arena *arena, struct lookup *lookup)
{
    struct srv_target *targets = ARENA_ARRAY(arena, lookup->count, struct srv_target);
    size_t left = lookup->count;

    for (size_t i = 0; i < lookup->count; i++) {
        size_t next = choose(lookup->candidates, left);
        targets[i] = lookup->candidates[next].target;
        lookup->candidates[next] = lookup->candidates[--left];
    }
    return targets;
}

static enum errcode outcome_of(int status, struct error *error)
{
    if (status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA)
        return OK;
    return fail(error, status == ARES_ETIMEOUT || status == ARES_ECANCELLED ? E_TIMEOUT : E_REMOTE,
                "the name servers do not say: %s", ares_strerror(status));
}

enum errcode dns_srv_lookup(struct arena *arena, const char *name, int64_t timeout_ms,
                            struct error *error, struct srv_target **out, size_t *count_out)
{
    struct ares_options options = {.timeout = (int)(timeout_ms / TRIES), .tries = TRIES};
    struct lookup lookup = {.arena = arena};
    ares_channel channel;

    if (ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS)
        return fail(error, E_SYSTEM, "The resolver can not be set up");
    ares_query(channel, name, 1 /* IN */, 33 /* SRV */, read_answer, &lookup);
    wait_for_answer(channel, &lookup, clock_monotonic_ms() + timeout_ms);
    ares_destroy(channel);
    TRY(outcome_of(lookup.status, error));
    *out = in_order(arena, &lookup);
    *count_out = lookup.count;
    return OK;
}
