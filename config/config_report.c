/* The list of mistakes in a configuration and how it is shown. */
#include "config/config_report.h"

#include <stdarg.h>

#include "homeserver/base/arena.h"

struct config_report *config_report_create(struct arena *arena)
{
    struct config_report *report = ARENA_NEW(arena, struct config_report);

    report->arena = arena;
    return report;
}

void config_report_add(struct config_report *report, const char *where, const char *key,
                       const char *format, ...)
{
    va_list args;

    if (report->count == CONFIG_PROBLEMS_MAX)
        return;
    va_start(args, format);
    report->problems[report->count++] = (struct config_problem){
        .where = where != NULL ? arena_strdup(report->arena, where) : NULL,
        .key = key != NULL ? arena_strdup(report->arena, key) : NULL,
        .text = arena_vprintf(report->arena, format, args),
    };
    va_end(args);
}

const char *config_report_text(const struct config_report *report, const char *path)
{
    const char *text = "";

    for (size_t i = 0; i < report->count; i++) {
        const struct config_problem *problem = &report->problems[i];
        const char *file = path != NULL ? path : "";
        const char *where = problem->where != NULL ? problem->where : "";
        const char *key = problem->key != NULL ? problem->key : "";
        text = arena_printf(report->arena, "%s%s%s%s%s%s%s%s\n", text, file,
                            *file != '\0' && *where != '\0' ? ", " : "", where,
                            *file != '\0' || *where != '\0' ? ": " : "", key,
                            *key != '\0' ? ": " : "", problem->text);
    }
    return text;
}
