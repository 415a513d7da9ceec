#ifndef TESTS_BENCH_POPULATION_H
#define TESTS_BENCH_POPULATION_H

#include "tests/bench/bench.h"

/* Users, rooms and history made through the public API, before the clock starts. Each returns
 * false when the server would not (explained on standard error). */

/* `count` accounts with a token each in bench->users. Needs open registration. */
bool population_users(struct bench *bench, int64_t count);

/* `count` public rooms in bench->rooms; room r is made by user r modulo the number of users. */
bool population_rooms(struct bench *bench, int64_t count);

/* Further members: user `first` + i of the `members` users after the creator of each room. */
bool population_join(struct bench *bench, int64_t members);

/* `per_room` messages by its creator in each room. */
bool population_history(struct bench *bench, int64_t per_room);

/* Whoever made the room. */
const struct bench_user *population_creator(const struct bench *bench, int64_t room);

/* A message of about bench->options.bytes (100), new in each call. */
void population_message(struct bench *bench, struct arena *arena, int64_t room,
                        const struct bench_user *sender, struct http_request *out);

/* Signing in with the password that population_users() gave. */
void population_login(struct arena *arena, const struct bench_user *user, struct http_request *out);

/* The text member `"name":"…"` of a JSON answer, found without parsing megabytes: the first of
 * that name. NULL when there is none. */
const char *answer_text(struct arena *arena, const struct http_answer *answer, const char *name);

/* Percent-encoded for a path or query. */
const char *percent_encode(struct arena *arena, const char *text);

#endif
