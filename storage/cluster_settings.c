/*
 * Settings of the embedded cluster: for a machine that it shares with the homeserver, and for many
 * short statements. Durability is PostgreSQL's default and stays on.
 */
#include "storage/cluster_settings.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"

#define MIB ((int64_t)1 << 20)

enum {
    EXTRA_CONNECTIONS = 10, /* for the administrator's psql, backups and autovacuum's likes */
    SHARED_BUFFERS_MIN_MIB = 64,
    SHARED_BUFFERS_MAX_MIB = 4096,
    WAL_MIN_MIB = 256,
    WAL_MAX_MIB = 4096
};

static const char *const constant_settings[] = {
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_prepared_transactions=0",
    "wal_compression=lz4",
    "checkpoint_timeout=15min",
    "jit=off",
    "max_parallel_workers_per_gather=0", /* containers have little /dev/shm */
    "random_page_cost=1.1",
    "default_toast_compression=lz4",
    "autovacuum_vacuum_insert_scale_factor=0.05",
    "work_mem=8MB",
    /* Errors come to us as SQLSTATEs and are logged there, without anybody's data. */
    "log_min_messages=log",
    "log_checkpoints=off",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_parameter_max_length=0",
};

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    if (value < min)
        return min;
    return value > max ? max : value;
}

/* A limit of our control group (version 2); INT64_MAX when there is none. */
static int64_t control_group_memory_bytes(void)
{
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    char line[32] = "";

    if (file == NULL)
        return INT64_MAX;
    const char *text = fgets(line, sizeof(line), file);
    fclose(file);
    int64_t limit = text != NULL ? strtoll(text, NULL, 10) : 0; /* "max" gives 0 */
    return limit > 0 ? limit : INT64_MAX;
}

struct machine machine_measure(const char *directory)
{
    struct machine machine = {.memory_bytes = 1024 * MIB, .free_disk_bytes = 4096 * MIB};
    struct statvfs disk;
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    if (pages > 0 && page_bytes > 0)
        machine.memory_bytes = (int64_t)pages * page_bytes;
    if (control_group_memory_bytes() < machine.memory_bytes)
        machine.memory_bytes = control_group_memory_bytes();
    if (statvfs(directory, &disk) == 0)
        machine.free_disk_bytes = (int64_t)(disk.f_bavail * disk.f_frsize);
    return machine;
}

const char *const *cluster_settings(struct arena *arena, struct machine machine, int connections,
                                    bool without_durability)
{
    ARRAY_OF(const char *) settings = {0};
    int64_t memory_mib = machine.memory_bytes / MIB;
    int64_t buffers_mib = clamp(memory_mib / 8, SHARED_BUFFERS_MIN_MIB, SHARED_BUFFERS_MAX_MIB);
    int64_t wal_mib = clamp(machine.free_disk_bytes / MIB / 20, WAL_MIN_MIB, WAL_MAX_MIB);

    for (size_t i = 0; i < COUNT_OF(constant_settings); i++)
        array_push(arena, &settings, constant_settings[i]);
    array_push(arena, &settings,
               arena_printf(arena, "max_connections=%d", connections + EXTRA_CONNECTIONS));
    array_push(arena, &settings,
               arena_printf(arena, "shared_buffers=%lldMB", (long long)buffers_mib));
    array_push(arena, &settings,
               arena_printf(arena, "effective_cache_size=%lldMB", (long long)(memory_mib / 2 + 1)));
    array_push(arena, &settings,
               arena_printf(arena, "maintenance_work_mem=%lldMB",
                            (long long)clamp(memory_mib / 32, 32, 256)));
    array_push(arena, &settings, arena_printf(arena, "max_wal_size=%lldMB", (long long)wal_mib));
    if (without_durability) {
        array_push(arena, &settings, "fsync=off");
        array_push(arena, &settings, "full_page_writes=off");
    }
    array_push(arena, &settings, NULL);
    return settings.items;
}
