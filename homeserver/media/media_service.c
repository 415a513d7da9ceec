/* What media need in memory. */
#include "homeserver/media/media_service.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "homeserver/base/singleflight.h"

enum { DECODER_PATIENCE_S = 15 };

struct media_service {
    struct singleflight *flights;
    sem_t decoders;
    char thumbnailer[PATH_MAX];
};

static void find_thumbnailer(char path[PATH_MAX])
{
    static const char name[] = "beffroi-thumbnailer";
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(name));
    const char *slash = length <= 0 ? NULL : memrchr(path, '/', (size_t)length);
    size_t used = slash == NULL ? 0 : (size_t)(slash + 1 - path);

    memcpy(path + used, name, sizeof(name));
}

struct media_service *media_service_create(void)
{
    struct media_service *media = calloc(1, sizeof(*media));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (media == NULL || sem_init(&media->decoders, 0, cores > 1 ? (unsigned)cores : 1) != 0)
        abort();
    media->flights = singleflight_create();
    find_thumbnailer(media->thumbnailer);
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

const char *media_service_thumbnailer(const struct media_service *media)
{
    return media->thumbnailer;
}
