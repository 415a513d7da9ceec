#ifndef STORAGE_CLUSTER_SETTINGS_H
#define STORAGE_CLUSTER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* Private to embedded_cluster.c: PostgreSQL's settings, scaled to the machine. */

struct machine {
    int64_t memory_bytes;    /* of the machine or of our control group */
    int64_t free_disk_bytes; /* where the cluster is */
};

struct machine machine_measure(const char *directory);

/* `name=value` texts, ended by NULL, for `postgres -c`. */
const char *const *cluster_settings(struct arena *arena, struct machine machine, int connections,
                                    bool without_durability);

#endif
