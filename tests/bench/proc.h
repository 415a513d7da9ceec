#ifndef TESTS_BENCH_PROC_H
#define TESTS_BENCH_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a process and everything it started has used, read from /proc. The load generator asks
 * nobody for permission: what it may not read counts as nothing. */
struct proc_usage {
    int64_t cpu_us;    /* user and system time, threads and children included */
    int64_t rss_bytes; /* memory in RAM; what processes share counts once (PSS) */
    int processes;
};

/* The process that listens on a TCP port of this machine; 0: none that we may see. */
pid_t proc_find_listener(uint16_t port);

/* The nearest process below `root` of that program name ("postgres"), or any one that runs as the
 * first of its name when `root` is 0; 0: none. */
pid_t proc_find_below(pid_t root, const char *name);

/* `pid` and what is below it, except the part of the tree below `without` (0: nothing). */
struct proc_usage proc_usage_of_tree(pid_t pid, pid_t without);

/* The memory alone, cheaper and less exact: what the processes have for themselves, and once what
 * the one with most of it shares. */
int64_t proc_resident_bytes_of_tree(pid_t pid, pid_t without);

/* Bytes that the files below a directory take on disk, the write-ahead log of a PostgreSQL
 * excepted; 0 when it can not be read. */
int64_t proc_directory_bytes(const char *path);

/* Which processor and how much memory; a line for reports. */
void proc_machine(char *out, size_t size);

#endif
