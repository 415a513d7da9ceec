/* Where Debian puts PostgreSQL's programs: /usr/lib/postgresql/<major version>/bin. */
#include "storage/cluster_programs.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "homeserver/base/arena.h"

#define VERSIONS_DIRECTORY "/usr/lib/postgresql"

enum { MAJOR_VERSION_MIN = 15 };

static const char *programs_of(struct arena *arena, int major)
{
    const char *folder = arena_printf(arena, VERSIONS_DIRECTORY "/%d/bin", major);
    const char *postgres = arena_printf(arena, "%s/postgres", folder);

    return access(postgres, X_OK) == 0 ? folder : NULL;
}

/* 0 when there is none that we can use. */
static int newest_installed(struct arena *arena)
{
    DIR *versions = opendir(VERSIONS_DIRECTORY);
    const struct dirent *entry;
    int newest = 0;

    if (versions == NULL)
        return 0;
    while ((entry = readdir(versions)) != NULL) {
        int major = (int)strtol(entry->d_name, NULL, 10);
        if (major >= MAJOR_VERSION_MIN && major > newest && programs_of(arena, major) != NULL)
            newest = major;
    }
    closedir(versions);
    return newest;
}

/* The major version that made the cluster; 0 when there is no cluster yet, -1 when what is there is
 * not one. */
static int version_of_cluster(struct arena *arena, const char *data)
{
    char line[16] = "";

    if (access(data, F_OK) != 0)
        return 0;
    FILE *file = fopen(arena_printf(arena, "%s/PG_VERSION", data), "re");
    if (file == NULL)
        return -1;
    const char *text = fgets(line, sizeof(line), file);
    fclose(file);
    long major = text != NULL ? strtol(text, NULL, 10) : 0;
    return major > 0 && major < 1000 ? (int)major : -1;
}

enum errcode cluster_programs_find(struct arena *arena, const char *data, const char **out,
                                   struct error *error)
{
    int newest = newest_installed(arena);
    int wanted = version_of_cluster(arena, data);

    if (wanted < 0)
        return fail(error, E_SYSTEM,
                    "%s can not be read, or is not a PostgreSQL data directory (no PG_VERSION)",
                    data);
    if (wanted == 0 && newest == 0)
        return fail(error, E_SYSTEM,
                    "The embedded database needs PostgreSQL %d or newer in " VERSIONS_DIRECTORY
                    ". Run: apt-get install postgresql",
                    MAJOR_VERSION_MIN);
    const char *programs = programs_of(arena, wanted > 0 ? wanted : newest);
    if (programs == NULL)
        return fail(error, E_SYSTEM,
                    "The database in %s was made by PostgreSQL %d, which is not installed. Run: "
                    "apt-get install postgresql-%d, or move the data to a newer version by "
                    "pg_upgrade",
                    data, wanted, wanted);
    *out = programs;
    return OK;
}
