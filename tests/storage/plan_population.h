#ifndef TESTS_STORAGE_PLAN_POPULATION_H
#define TESTS_STORAGE_PLAN_POPULATION_H

#include <stdbool.h>

struct db;

/*
 * A server's worth of rows, made by generate_series and analysed: rooms x members memberships. The
 * nids of users and rooms count from 1, the events of room `r` are `r * 1000000 +` 1, 2, …: first
 * the joins, then the messages; an event's position is its nid.
 */
struct plan_size {
    int users;
    int rooms_in_all; /* the others are empty */
    int rooms;
    int members_per_room;
    int messages_per_room;
};

/* 200 x 500, or 1,000 x 1,000 when BEFFROI_TEST_FULL is set. */
struct plan_size plan_size(void);
bool plan_size_is_full(void);

void plan_populate(struct db *db, const struct plan_size *size);

#endif
