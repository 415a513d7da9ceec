#ifndef STORAGE_THREEPIDS_H
#define STORAGE_THREEPIDS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Validated third-party identifiers. Addresses are in canonical form: e-mail in lower case, phone
 * numbers as digits with the country code. Times are milliseconds since 1970. */
struct threepid {
    const char *medium; /* "email" or "msisdn" */
    const char *address;
    int64_t validated_ts;
    int64_t added_ts;
};

/* Whose address is it? M_NOT_FOUND when nobody's. */
enum errcode threepid_find_user(struct db *db, struct arena *arena, const char *medium,
                                const char *address, int64_t *user_nid_out) MUST_CHECK;

/* In order of medium and address. */
enum errcode threepids_load(struct db *db, struct arena *arena, int64_t user_nid,
                            const struct threepid **out, size_t *count_out) MUST_CHECK;

/* M_THREEPID_IN_USE when another account has it; harmless when this one does. */
enum errcode threepid_insert(struct db *db, int64_t user_nid,
                             const struct threepid *threepid) MUST_CHECK;

/* M_NOT_FOUND when the account has no such address. */
enum errcode threepid_delete(struct db *db, int64_t user_nid, const char *medium,
                             const char *address) MUST_CHECK;
enum errcode threepids_delete_of_user(struct db *db, int64_t user_nid) MUST_CHECK;

#endif
