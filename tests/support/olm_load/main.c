/* Many encrypting users in one process; see README.md. */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "tests/support/olm_load/user.h"

enum { THREADS = 8, USERS_MAX = 2000, MESSAGES_PER_TURN = 2, DRAIN_MS = 120000 };

struct load {
    struct user *users;
    size_t user_count;
    int messages_per_user;
    pthread_barrier_t barrier;
};

struct worker {
    struct load *load;
    pthread_t thread;
    size_t first; /* plays the users first, first + THREADS, … */
};

#define EACH_OF(worker, user)                                                                      \
    for (struct user *user = &(worker)->load->users[(worker)->first];                              \
         user < &(worker)->load->users[(worker)->load->user_count]; user += THREADS)

/* The users of a room stand together in the file. */
static void meet_room(const struct load *load, struct user *user)
{
    const struct user *first = user, *end = &load->users[load->user_count];
    size_t count = 0;

    while (first > load->users && strcmp(first[-1].room_id, user->room_id) == 0)
        first--;
    while (&first[count] < end && strcmp(first[count].room_id, user->room_id) == 0)
        count++;
    user_meet(user, first, count);
}

static bool has_read_all(const struct load *load, const struct user *user)
{
    return user->read >= load->messages_per_user * (int)user->peer_count;
}

static void *play(void *context)
{
    struct worker *worker = context;
    struct load *load = worker->load;

    EACH_OF(worker, user)
    {
        user_upload_keys(user);
        user_listen(user);
    }
    pthread_barrier_wait(&load->barrier);
    EACH_OF(worker, user) meet_room(load, user);
    for (int sent = 0; sent < load->messages_per_user; sent += MESSAGES_PER_TURN) {
        EACH_OF(worker, user)
        {
            for (int i = 0; i < MESSAGES_PER_TURN; i++)
                user_speak(user);
            user_listen(user);
        }
    }
    pthread_barrier_wait(&load->barrier);
    int64_t give_up_ms = clock_monotonic_ms() + DRAIN_MS;
    EACH_OF(worker, user)
    {
        while (!has_read_all(load, user) && clock_monotonic_ms() < give_up_ms)
            user_listen(user);
    }
    return NULL;
}

static size_t read_users(struct load *load, struct arena *arena, const char *base_url,
                         const char *path, unsigned seed)
{
    FILE *file = fopen(path, "r");
    char user_id[256], device_id[256], token[256], room_id[256];

    load->users = ARENA_ARRAY(arena, USERS_MAX, struct user);
    while (file != NULL && load->user_count < USERS_MAX &&
           fscanf(file, "%255s %255s %255s %255s", user_id, device_id, token, room_id) == 4) {
        struct user *user = &load->users[load->user_count++];
        struct arena *own = arena_create(); /* one thread each */
        *user = (struct user){.arena = own,
                              .user_id = arena_strdup(own, user_id),
                              .device_id = arena_strdup(own, device_id),
                              .room_id = arena_strdup(own, room_id),
                              .seed = seed + (unsigned)load->user_count};
        connection_open(&user->connection, base_url, arena_strdup(own, token));
    }
    if (file != NULL)
        fclose(file);
    return load->user_count;
}

static void print_books(const struct load *load, int64_t started_ms)
{
    long sent = 0, expected = 0, read = 0, undecryptable = 0, gaps = 0;

    for (size_t i = 0; i < load->user_count; i++) {
        const struct user *user = &load->users[i];
        sent += user->sent;
        expected += (long)load->messages_per_user * (long)user->peer_count;
        read += user->read;
        undecryptable += (long)user->waiting.count;
        gaps += user->gaps;
    }
    printf("{\"users\": %zu, \"sent\": %ld, \"expected\": %ld, \"decrypted\": %ld, "
           "\"undecryptable\": %ld, \"gaps\": %ld, \"requests\": %ld, \"repeated\": %ld, "
           "\"aborted_syncs\": %ld, \"seconds\": %" PRId64 "}\n",
           load->user_count, sent, expected, read, undecryptable, gaps, request_counts.sent,
           request_counts.repeated, request_counts.aborted,
           (clock_monotonic_ms() - started_ms) / 1000);
}

int main(int argc, char **argv)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct load load = {0};
    struct worker workers[THREADS];
    int64_t started_ms = clock_monotonic_ms();

    if (argc != 5) {
        fprintf(stderr, "usage: olm_load BASE_URL USERS_FILE MESSAGES_PER_USER SEED\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    load.messages_per_user = (int)strtol(argv[3], NULL, 10);
    if (read_users(&load, arena, argv[1], argv[2], (unsigned)strtoul(argv[4], NULL, 10)) < THREADS)
        return 2;
    pthread_barrier_init(&load.barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.load = &load, .first = i};
        if (pthread_create(&workers[i].thread, NULL, play, &workers[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    print_books(&load, started_ms);
    for (size_t i = 0; i < load.user_count; i++)
        connection_close(&load.users[i].connection);
    return 0;
}
