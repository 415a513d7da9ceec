#ifndef FEDERATION_CLIENT_DESTINATION_HEALTH_H
#define FEDERATION_CLIENT_DESTINATION_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct db;

/*
 * Which servers do not answer, and when to try again: after about one second, then twice as long
 * each time, up to an hour, each a little off so that not everybody comes back at once. Kept in the
 * database, so that a restart does not wake the dead. Thread-safe; times are ms since 1970.
 */
struct destination_health;

struct destination_health *destination_health_create(void);
void destination_health_destroy(struct destination_health *health);

/* When the server may be called next; 0: now. */
enum errcode destination_health_retry_ts(struct destination_health *health, struct db *db,
                                         const char *server_name, int64_t *out) MUST_CHECK;

/* It answered, with whatever: it is there. */
enum errcode destination_health_answered(struct destination_health *health, struct db *db,
                                         const char *server_name) MUST_CHECK;

/* It did not answer, or only to say that it can not; `why` is kept for administrators. */
enum errcode destination_health_failed(struct destination_health *health, struct db *db,
                                       const char *server_name, const char *why) MUST_CHECK;

/* It called us, so it is worth calling: true when it counted as failing before. */
bool destination_health_spoke(struct destination_health *health, const char *server_name);

/* Who is asked although it may be failing (a policy server) and let us wait in vain is not asked
 * for a while: 5 seconds, then twice as long each time up to a minute, until it answers or calls
 * us. */
void destination_health_fell_silent(struct destination_health *health, const char *server_name,
                                    int64_t now_ms);
void destination_health_broke_silence(struct destination_health *health, const char *server_name);
/* Until when it is left alone; 0: it is not known to be silent. */
int64_t destination_health_silent_until(struct destination_health *health, const char *server_name);

/* Administrators asked that some be tried again, in this process or another: they may be called at
 * once. */
enum errcode destination_health_heed_retries(struct destination_health *health,
                                             struct db *db) MUST_CHECK;

#endif
