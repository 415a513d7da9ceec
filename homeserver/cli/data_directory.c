/* The folder in which everything that the server keeps lives. */
#include "homeserver/cli/data_directory.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/signing_key_file.h"
#include "homeserver/base/arena.h"

/* Searchable by others: an embedded database of a server that root starts runs as another user.
 * What is secret inside has modes of its own. */
enum { DIRECTORY_MODE = 0711 };

static bool make_directory(const char *path)
{
    return mkdir(path, DIRECTORY_MODE) == 0 || errno == EEXIST;
}

enum errcode data_directory_create(const struct config *config, struct error *error)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *path = arena_strdup(arena, config->data_directory);

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = make_directory(path);
        *slash = '/';
        if (!made)
            break;
    }
    if (!make_directory(path))
        return fail(error, E_SYSTEM,
                    "The data directory %s can not be made: %s. Make it and give it to the user "
                    "that runs the server, or set data_directory.",
                    path, strerrordesc_np(errno));
    return OK;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    size_t entries = 0;

    if (directory == NULL)
        return false;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries <= 2; /* "." and ".." */
}

enum errcode data_directory_prepare(struct arena *arena, const struct config *config,
                                    struct error *error)
{
    TRY(data_directory_create(config, error));
    if (strcmp(config->database, "embedded") != 0 || !is_empty(config->data_directory))
        return OK;
    for (size_t i = 0; i < config->domain_count; i++) {
        const char *version;
        enum errcode code =
            signing_key_file_create(arena, config->domains[i].signing_key_file, error, &version);
        if (code != OK && code != E_CONFLICT)
            return code;
    }
    error_clear(error);
    return OK;
}
