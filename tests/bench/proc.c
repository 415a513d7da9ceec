/* Reading /proc: who listens, who is whose child, what did they use. */
#include "tests/bench/proc.h"

#include <dirent.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES_MAX = 4096, LISTEN_STATE = 0x0A };

struct process {
    pid_t pid;
    pid_t parent;
    char name[32];
    int64_t cpu_ticks;
};

/* Fields 2 (name), 4 (parent) and 14 to 17 (times, also of children that ended) of
 * /proc/PID/stat. */
static bool read_stat(pid_t pid, struct process *out)
{
    char path[64], line[1024];
    long long user = 0, system = 0, child_user = 0, child_system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    char *open = strchr(line, '('), *close = strrchr(line, ')');
    if (!read || open == NULL || close == NULL)
        return false;
    out->pid = pid;
    snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open - 1), open + 1);
    int parent = 0;
    int fields = sscanf(close + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld",
                        &parent, &user, &system, &child_user, &child_system);
    out->parent = (pid_t)parent;
    out->cpu_ticks = user + system + child_user + child_system;
    return fields == 5;
}

static pid_t pid_of_entry(const struct dirent *entry)
{
    char *end;
    long pid = strtol(entry->d_name, &end, 10);

    return *end == '\0' && pid > 0 ? (pid_t)pid : 0;
}

static int read_all(struct process *processes)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL && count < PROCESSES_MAX) {
        pid_t pid = pid_of_entry(entry);
        if (pid != 0 && read_stat(pid, &processes[count]))
            count++;
    }
    closedir(directory);
    return count;
}

static struct process *all_processes(int *count_out)
{
    struct process *processes = calloc(PROCESSES_MAX, sizeof(*processes));

    if (processes == NULL)
        abort();
    *count_out = read_all(processes);
    return processes;
}

static const struct process *find(const struct process *processes, int count, pid_t pid)
{
    for (int i = 0; i < count; i++) {
        if (processes[i].pid == pid)
            return &processes[i];
    }
    return NULL;
}

static bool is_below(const struct process *processes, int count, pid_t pid, pid_t root)
{
    for (int steps = 0; pid > 1 && steps < 64; steps++) {
        if (pid == root)
            return true;
        const struct process *process = find(processes, count, pid);
        if (process == NULL)
            return false;
        pid = process->parent;
    }
    return false;
}

static long inode_in_table(const char *table, uint16_t port)
{
    char line[512];
    long inode = 0;
    FILE *file = fopen(table, "re");

    if (file == NULL)
        return 0;
    while (inode == 0 && fgets(line, sizeof(line), file) != NULL) {
        unsigned local_port, state;
        long found;
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %ld",
                   &local_port, &state, &found) == 3 &&
            state == LISTEN_STATE && local_port == port)
            inode = found;
    }
    fclose(file);
    return inode;
}

static bool has_socket(pid_t pid, long inode)
{
    char path[64], wanted[64], target[128];
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    snprintf(wanted, sizeof(wanted), "socket:[%ld]", inode);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(directory)) != NULL;) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
        if (length > 0) {
            target[length] = '\0';
            found = strcmp(target, wanted) == 0;
        }
    }
    closedir(directory);
    return found;
}

pid_t proc_find_listener(uint16_t port)
{
    long inode = inode_in_table("/proc/net/tcp", port);
    pid_t found = 0;
    int count;

    if (inode == 0)
        inode = inode_in_table("/proc/net/tcp6", port);
    if (inode == 0)
        return 0;
    struct process *processes = all_processes(&count);
    for (int i = 0; i < count && found == 0; i++) {
        if (has_socket(processes[i].pid, inode))
            found = processes[i].pid;
    }
    free(processes);
    return found;
}

pid_t proc_find_below(pid_t root, const char *name)
{
    pid_t found = 0;
    int count;

    struct process *processes = all_processes(&count);
    for (int i = 0; i < count && found == 0; i++) {
        const struct process *parent = find(processes, count, processes[i].parent);
        bool is_first = parent == NULL || strcmp(parent->name, name) != 0;
        if (strcmp(processes[i].name, name) == 0 && is_first &&
            (root == 0 || is_below(processes, count, processes[i].pid, root)))
            found = processes[i].pid;
    }
    free(processes);
    return found;
}

static int64_t memory_of(pid_t pid)
{
    char path[64], line[256];
    long long kib = 0, part;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Pss: %lld kB", &part) == 1)
            kib = part;
    }
    fclose(file);
    return kib * 1024;
}

struct proc_usage proc_usage_of_tree(pid_t pid, pid_t without)
{
    struct proc_usage usage = {0};
    int64_t ticks = 0;
    int count;

    if (pid == 0)
        return usage;
    struct process *processes = all_processes(&count);
    for (int i = 0; i < count; i++) {
        pid_t each = processes[i].pid;
        if (!is_below(processes, count, each, pid) ||
            (without != 0 && is_below(processes, count, each, without)))
            continue;
        ticks += processes[i].cpu_ticks;
        usage.rss_bytes += memory_of(each);
        usage.processes++;
    }
    free(processes);
    usage.cpu_us = ticks * 1000000 / sysconf(_SC_CLK_TCK);
    return usage;
}

int64_t proc_resident_bytes_of_tree(pid_t pid, pid_t without)
{
    long long own = 0, shared_most = 0, resident, shared;
    int count;

    if (pid == 0)
        return 0;
    struct process *processes = all_processes(&count);
    for (int i = 0; i < count; i++) {
        pid_t each = processes[i].pid;
        char path[64];
        if (!is_below(processes, count, each, pid) ||
            (without != 0 && is_below(processes, count, each, without)))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/statm", (int)each);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        if (fscanf(file, "%*d %lld %lld", &resident, &shared) == 2) {
            own += resident - shared;
            shared_most = shared > shared_most ? shared : shared_most;
        }
        fclose(file);
    }
    free(processes);
    return (own + shared_most) * sysconf(_SC_PAGESIZE);
}

int64_t proc_directory_bytes(const char *path)
{
    char *copy = strdup(path);
    int64_t bytes = 0;

    if (copy == NULL)
        abort();
    char *const paths[] = {copy, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; tree != NULL && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_D && strcmp(entry->fts_name, "pg_wal") == 0)
            fts_set(tree, entry, FTS_SKIP); /* recycled: its size says nothing of the events */
        else if (entry->fts_info == FTS_F)
            bytes += (int64_t)entry->fts_statp->st_blocks * 512;
    }
    if (tree != NULL)
        fts_close(tree);
    free(copy);
    return bytes;
}

static void first_value(const char *path, const char *name, char *out, size_t size)
{
    char line[512];
    FILE *file = fopen(path, "re");

    snprintf(out, size, "unknown");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, name, strlen(name)) != 0)
            continue;
        colon += strspn(colon, ": \t");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, size, "%s", colon);
        break;
    }
    fclose(file);
}

void proc_machine(char *out, size_t size)
{
    char model[128], memory[64];

    first_value("/proc/cpuinfo", "model name", model, sizeof(model));
    first_value("/proc/meminfo", "MemTotal", memory, sizeof(memory));
    snprintf(out, size, "%ld x %s, %s", sysconf(_SC_NPROCESSORS_ONLN), model, memory);
}
