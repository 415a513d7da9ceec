/* File -> tree -> overrides -> defaults -> struct -> checks. */
#include "config/config_load.h"

#include <errno.h>
#include <limits.h>

#include "config/config.h"
#include "config/config_check.h"
#include "config/config_override.h"
#include "config/config_print.h"
#include "config/config_report.h"
#include "config/config_tree.h"
#include "config/config_value.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* config_free() finds the arena behind the struct. */
struct owned_config {
    struct config config;
    struct arena *arena;
};

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static enum errcode read_file(struct arena *arena, const char *path, struct config_report *report,
                              struct config_node **out)
{
    SCOPED(close_file) FILE *file = fopen(path, "re");

    if (file == NULL) {
        config_report_add(report, NULL, NULL,
                          "can not be read: %s. `beffroi generate-config` makes a configuration, "
                          "--config names another file",
                          strerrordesc_np(errno));
        return M_INVALID_PARAM;
    }
    /* Not on the arena, which lives as long as the configuration. */
    SCOPED(strbuf_finish) struct strbuf text;
    char piece[4096];
    size_t length;
    strbuf_init(&text, FILE_BYTES_MAX);
    while ((length = fread(piece, 1, sizeof(piece), file)) > 0)
        strbuf_add(&text, piece, length);
    if (ferror(file) || text.overflowed) {
        config_report_add(report, NULL, NULL, "is not a configuration file: it is %s",
                          ferror(file) ? "not a readable file" : "larger than 1 MiB");
        return M_INVALID_PARAM;
    }
    return config_tree_parse(arena, text.data, text.length, NULL, report, out);
}

/* The tree of the file with all overrides, before defaults. */
static enum errcode read_source(const struct config_source *source, struct arena *arena,
                                struct config_report *report, struct config_node **out)
{
    struct config_node *root;

    if (source->path != NULL)
        TRY(read_file(arena, source->path, report, &root));
    else
        root = config_node_create(arena, CONFIG_MAP, NULL, NULL);
    config_override_environment(arena, root, source->environment, report);
    config_override_settings(arena, root, source->settings, report);
    *out = root;
    return OK;
}

/* The folder of the file, absolute; that of the process when there is no file. */
static const char *base_directory(struct arena *arena, const char *path)
{
    char resolved[PATH_MAX];
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *folder = ".";

    if (slash != NULL)
        folder = slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
    return realpath(folder, resolved) != NULL ? arena_strdup(arena, resolved) : folder;
}

/* `serve` makes the files of a self-signed certificate; nobody else needs to know of that. */
static void derive_listeners(struct arena *arena, struct config *config)
{
    struct config_listener *listeners =
        ARENA_ARRAY(arena, config->listener_count, struct config_listener);

    for (size_t i = 0; i < config->listener_count; i++) {
        listeners[i] = config->listeners[i];
        if (!listeners[i].tls_self_signed)
            continue;
        listeners[i].tls_certificate =
            arena_printf(arena, "%s/self-signed.crt", config->data_directory);
        listeners[i].tls_key = arena_printf(arena, "%s/self-signed.key", config->data_directory);
    }
    config->listeners = listeners;
}

/* What depends on other settings and so has no default in the table. */
static void derive(struct arena *arena, struct config *config)
{
    struct config_domain *domains = ARENA_ARRAY(arena, config->domain_count, struct config_domain);

    for (size_t i = 0; i < config->domain_count; i++) {
        domains[i] = config->domains[i];
        if (domains[i].signing_key_file == NULL && domains[i].name != NULL)
            domains[i].signing_key_file =
                arena_printf(arena, "%s/signing-%s.key", config->data_directory, domains[i].name);
    }
    config->domains = domains;
    derive_listeners(arena, config);
    if (config->media.directory == NULL)
        config->media.directory = arena_printf(arena, "%s/media", config->data_directory);
    if (config->media.unauthenticated_until != NULL)
        config->media.unauthenticated_until_ts =
            config_check_day(config->media.unauthenticated_until);
}

static enum errcode read_config(struct arena *arena, const char *base, struct config_node *root,
                                struct config_report *report, struct config *config)
{
    struct config_reader reader = {.arena = arena, .report = report, .base_directory = base};

    config_fill_defaults(arena, &config_settings, root);
    config_read_section(&reader, &config_settings, root, "", config);
    if (report->count == 0)
        config_check(config, root, report);
    if (report->count == 0)
        derive(arena, config);
    return report->count == 0 ? OK : M_INVALID_PARAM;
}

enum errcode config_load(const struct config_source *source, struct config_report *report,
                         const struct config **out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct owned_config *owned = ARENA_NEW(arena, struct owned_config);
    struct config_node *root;

    TRY(read_source(source, arena, report, &root));
    TRY(read_config(arena, base_directory(arena, source->path), root, report, &owned->config));
    owned->arena = arena;
    *out = &owned->config;
    arena = NULL;
    return OK;
}

enum errcode config_generate(const struct config_source *source, struct config_report *report,
                             const char **out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct config config = {0};
    struct config_node *root;

    TRY(read_source(source, arena, report, &root));
    TRY(read_config(arena, base_directory(arena, source->path), root, report, &config));
    *out = config_print(report->arena, root);
    return OK;
}

void config_free(const struct config *config)
{
    /* config is the first member of what config_load() made. */
    const struct owned_config *owned = (const struct owned_config *)(const void *)config;

    if (config != NULL)
        arena_destroy(owned->arena);
}
