/* What media need in memory. */
#include "homeserver/media/media_service.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/singleflight.h"

enum { DECODER_PATIENCE_S = 15 };

struct media_service {
    struct singleflight *flights;
    sem_t decoders;
    _Atomic int64_t used_bytes;
    _Atomic int64_t counted_ms; /* monotonic; 0: never */
    char programs[PATH_MAX];
    uint8_t scanner_seed[SCANNER_SEED_BYTES];
};

/* The folder of this program, with a slash at the end; "" when nobody knows. */
static void find_programs(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    const char *slash = length <= 0 ? NULL : memrchr(path, '/', (size_t)length);

    path[slash == NULL ? 0 : slash + 1 - path] = '\0';
}

struct media_service *media_service_create(void)
{
    struct media_service *media = calloc(1, sizeof(*media));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (media == NULL || sem_init(&media->decoders, 0, cores > 1 ? (unsigned)cores : 1) != 0)
        abort();
    media->flights = singleflight_create();
    find_programs(media->programs);
    return media;
}

void media_service_destroy(struct media_service *media)
{
    if (media == NULL)
        return;
    singleflight_destroy(media->flights);
    sem_destroy(&media->decoders);
    free(media);
}

struct singleflight *media_service_flights(struct media_service *media)
{
    return media->flights;
}

bool media_service_recall_usage(struct media_service *media, int64_t age_ms, int64_t *bytes_out)
{
    int64_t counted_ms = media->counted_ms;

    *bytes_out = media->used_bytes;
    return counted_ms != 0 && clock_monotonic_ms() - counted_ms <= age_ms;
}

void media_service_set_usage(struct media_service *media, int64_t bytes)
{
    media->used_bytes = bytes;
    media->counted_ms = clock_monotonic_ms();
}

void media_service_add_usage(struct media_service *media, int64_t bytes)
{
    media->used_bytes += bytes;
}

bool media_service_take_decoder(struct media_service *media)
{
    struct timespec until;
    int outcome;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DECODER_PATIENCE_S;
    do {
        outcome = sem_clockwait(&media->decoders, CLOCK_MONOTONIC, &until);
    } while (outcome != 0 && errno == EINTR);
    return outcome == 0;
}

void media_service_give_decoder(struct media_service *media)
{
    sem_post(&media->decoders);
}

const char *media_service_program(const struct media_service *media, struct arena *arena,
                                  const char *name)
{
    return arena_printf(arena, "%s%s", media->programs, name);
}

void media_service_set_scanner_seed(struct media_service *media,
                                    const uint8_t seed[SCANNER_SEED_BYTES])
{
    memcpy(media->scanner_seed, seed, SCANNER_SEED_BYTES);
}

const uint8_t *media_service_scanner_seed(const struct media_service *media)
{
    return media->scanner_seed;
}
