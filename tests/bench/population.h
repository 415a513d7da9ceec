#ifndef TESTS_BENCH_POPULATION_H
#define TESTS_BENCH_POPULATION_H

#include "tests/bench/bench.h"

/* Users, rooms and history made through the public API, before the clock starts. Each returns
 * false when the server would not (explained on standard error). */

/* What a scenario needs. Members are counted with the creator; member k of room r is user r + k
 * modulo the number of users, the creator being the first. */
struct population {
    int64_t users, rooms, members, history;
};

/* All of it. With --population FILE it is read from there when the file exists, and written there
 * when not, so that the next run has it at once. */
bool population_make(struct bench *bench, const struct population *wanted);
const struct bench_user *population_member(const struct bench *bench, int64_t room, int64_t k);

/* The file of --population; false: explained. */
bool population_read(struct bench *bench, const struct population *wanted);
bool population_write(const struct bench *bench, const struct population *made);

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

/* A message of about bench->options.bytes (100), new in each call. "@@" and the microseconds of
 * the monotonic clock stand in it: see population_age_us(). */
void population_message(struct bench *bench, struct arena *arena, int64_t room,
                        const struct bench_user *sender, struct http_request *out);

/* How long ago the newest message in a sync answer was made; -1: there is none, or it is older than
 * `begin_us`. */
int64_t population_age_us(const struct http_answer *answer, int64_t begin_us);

/* A filter for /sync with `room` as its member of that name, percent-encoded, new in each run:
 * Synapse keeps the answers to the same question for minutes, also when a population is reused. */
const char *population_filter(const struct bench *bench, const char *room);

/* Signing in with the password that population_users() gave. */
void population_login(struct arena *arena, const struct bench_user *user, struct http_request *out);

/* The text member `"name":"…"` of a JSON answer, found without parsing megabytes: the first of
 * that name. NULL when there is none. */
const char *answer_text(struct arena *arena, const struct http_answer *answer, const char *name);

/* Percent-encoded for a path or query. */
const char *percent_encode(struct arena *arena, const char *text);

#endif
