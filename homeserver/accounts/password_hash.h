#ifndef HOMESERVER_ACCOUNTS_PASSWORD_HASH_H
#define HOMESERVER_ACCOUNTS_PASSWORD_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Password hashing, by one thread of low priority: a hash costs tens of milliseconds and megabytes
 * on purpose, and a flood of logins must not take the machine from everybody else. Who comes when
 * too many are waiting is told to come back: M_LIMIT_EXCEEDED with retry_after_ms.
 */
struct password_hasher;

enum { PASSWORD_BYTES_MAX = 1024 };

/* A waiting call occupies a worker thread, so `waiting_max` belongs well below their number. */
struct password_hasher *password_hasher_create(size_t waiting_max);
/* Finishes what is waiting. */
void password_hasher_destroy(struct password_hasher *hasher);

/* An argon2id string with the cost of the configuration, on the call's arena.
 * M_INVALID_PARAM when the password is longer than PASSWORD_BYTES_MAX. */
enum errcode password_hash(struct call *call, const char *password,
                           const char **hash_out) MUST_CHECK;

/*
 * Does the password belong to the hash? `hash` NULL means that there is none (no such account, or
 * no password): the answer is no, and takes as long as a real one. `*better_hash_out` is a new hash
 * to store when the old one is an imported bcrypt or has an outdated cost, else NULL.
 */
enum errcode password_verify(struct call *call, const char *password, const char *hash,
                             bool *matches_out, const char **better_hash_out) MUST_CHECK;

/* M_WEAK_PASSWORD when the password is too short for the configuration; M_INVALID_PARAM when it is
 * too long to be hashed. */
enum errcode password_check_new(struct call *call, const char *password) MUST_CHECK;

#endif
