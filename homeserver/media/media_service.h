#ifndef HOMESERVER_MEDIA_MEDIA_SERVICE_H
#define HOMESERVER_MEDIA_MEDIA_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/* What media need in memory: who is doing the same work right now, and how many decoders run. */
struct arena;
struct media_service;
struct singleflight;

struct media_service *media_service_create(void);

/* The private key for which clients encrypt what the content scanner reads: PK_SEED_BYTES of
 * encryption/pk_message.h. */
enum { SCANNER_SEED_BYTES = 32 };
void media_service_set_scanner_seed(struct media_service *media,
                                    const uint8_t seed[SCANNER_SEED_BYTES]);
const uint8_t *media_service_scanner_seed(const struct media_service *media);

/* NULL is allowed. */
void media_service_destroy(struct media_service *media);

/* What all users keep here, as it was counted, and what came since. False when it was counted more
 * than `age_ms` ago. */
bool media_service_recall_usage(struct media_service *media, int64_t age_ms, int64_t *bytes_out);
void media_service_set_usage(struct media_service *media, int64_t bytes);
void media_service_add_usage(struct media_service *media, int64_t bytes);

/* Keys: "thumbnail …", "remote …", "preview …". */
struct singleflight *media_service_flights(struct media_service *media);

/* One of the few places for decoders; false when none becomes free in time. */
bool media_service_take_decoder(struct media_service *media);
void media_service_give_decoder(struct media_service *media);

/* The path of a program of ours: it lies beside this one. On the arena. */
const char *media_service_program(const struct media_service *media, struct arena *arena,
                                  const char *name);

#endif
