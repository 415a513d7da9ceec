/* beffroi media list, delete, quarantine, unquarantine, protect, unprotect, stats, clean, migrate
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/media/media_admin.h"
#include "homeserver/media/media_store.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/mxc_uri.h"

struct choice_options {
    bool ours, others, protected_too, avatars_too, all;
    const char *user, *room, *before, *larger;
};

static enum errcode read_choice(struct invocation *invocation, const struct choice_options *options,
                                struct error *error, struct media_selection *out)
{
    struct mxc_uri uri;
    bool is_named = invocation->operand_count > 0;

    out->user_id = options->user;
    out->room_id = options->room;
    out->with_protected = options->protected_too || is_named;
    out->larger_than = options->larger == NULL ? -1 : strtoll(options->larger, NULL, 10);
    if (options->ours != options->others)
        out->origin = options->ours ? MEDIA_OF_OURS : MEDIA_OF_OTHERS;
    if (options->before != NULL) {
        out->without_avatars = !options->avatars_too;
        out->not_accessed_since = config_check_day(options->before);
        if (out->not_accessed_since <= 0)
            return fail(error, M_INVALID_PARAM, "\"%s\" is not a day: write 2025-01-31",
                        options->before);
    }
    if (is_named) {
        if (!mxc_uri_parse(invocation->arena, invocation->operands[0], &uri))
            return fail(error, M_INVALID_PARAM, "\"%s\" is not an mxc:// URI",
                        invocation->operands[0]);
        out->server_name = uri.server_name;
        out->media_id = uri.media_id;
    }
    if (!is_named && options->user == NULL && options->room == NULL && options->before == NULL &&
        options->larger == NULL && !options->all)
        return fail(error, M_INVALID_PARAM,
                    "say which: an mxc:// URI, --user, --room, --before, --larger, or --all");
    return OK;
}

static void print_choice(void *context, const struct media_choice *choice)
{
    (void)context;
    printf("%12" PRId64 "  mxc://%s/%s  %s%s%s%s%s\n", choice->size_bytes, choice->server_name,
           choice->media_id, choice->content_type, choice->file_name == NULL ? "" : "  ",
           choice->file_name == NULL ? "" : choice->file_name,
           choice->quarantined_ts != 0 ? "  quarantined" : "",
           choice->is_protected ? "  protected" : "");
}

/* The command's own session, and what an S3 store is reached by. */
static enum exit_status open_session(struct invocation *invocation, struct account_session *out)
{
    enum exit_status opened = account_session_open(invocation, out);

    if (opened == EXIT_DONE)
        out->services.http = http_client_create(out->services.config);
    return opened;
}

static void close_session(struct account_session *session)
{
    http_client_destroy(session->services.http);
    account_session_close(session);
}

static enum exit_status act(struct invocation *invocation, enum media_action action)
{
    struct choice_options choice = {0};
    struct media_selection selection = {0};
    const struct media_order order = {.action = action, .visit = print_choice};
    const struct command_option options[] = {
        {"user", "USER_ID", "what this user uploaded", NULL, &choice.user},
        {"room", "ROOM_ID", "what events of this room name", NULL, &choice.room},
        {"before", "DAY", "what nobody looked at since this day (2025-01-31)", NULL,
         &choice.before},
        {"larger", "BYTES", "what is larger than this", NULL, &choice.larger},
        {"ours", NULL, "only what was uploaded here", &choice.ours, NULL},
        {"others", NULL, "only copies of other servers' files", &choice.others, NULL},
        {"protected", NULL, "protected ones too", &choice.protected_too, NULL},
        {"avatars", NULL, "with --before: pictures of users and rooms too", &choice.avatars_too,
         NULL},
        {"all", NULL, "everything", &choice.all, NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);
    int64_t count = 0;

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    SCOPED(close_session) struct account_session session = {0};
    enum exit_status opened = open_session(invocation, &session);
    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = read_choice(invocation, &choice, &session.error, &selection);
    if (code == OK)
        code = media_carry_out(&session.call, &selection, &order, &count);
    if (code != OK)
        return account_session_failed(&session, code);
    fprintf(stderr, "%" PRId64 " files.\n", count);
    return EXIT_DONE;
}

static enum exit_status run_list(struct invocation *invocation)
{
    return act(invocation, MEDIA_LIST);
}

static enum exit_status run_delete(struct invocation *invocation)
{
    return act(invocation, MEDIA_DELETE);
}

static enum exit_status run_quarantine(struct invocation *invocation)
{
    return act(invocation, MEDIA_QUARANTINE);
}

static enum exit_status run_unquarantine(struct invocation *invocation)
{
    return act(invocation, MEDIA_UNQUARANTINE);
}

static enum exit_status run_protect(struct invocation *invocation)
{
    return act(invocation, MEDIA_PROTECT);
}

static enum exit_status run_unprotect(struct invocation *invocation)
{
    return act(invocation, MEDIA_UNPROTECT);
}

static enum exit_status run_stats(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);
    struct media_totals totals;

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    SCOPED(close_session) struct account_session session = {0};
    enum exit_status opened = open_session(invocation, &session);
    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = media_count_all(session.call.db, session.call.arena, &totals);
    if (code != OK)
        return account_session_failed(&session, code);
    printf("uploaded here     %10" PRId64 " files  %15" PRId64 " bytes\n"
           "of other servers  %10" PRId64 " files  %15" PRId64 " bytes\n"
           "stored            %10" PRId64 " files  %15" PRId64 " bytes, thumbnails included\n"
           "quarantined       %10" PRId64 " files\n"
           "not yet uploaded  %10" PRId64 " IDs\n",
           totals.local_files, totals.local_bytes, totals.remote_files, totals.remote_bytes,
           totals.stored_files, totals.stored_bytes, totals.quarantined, totals.waiting);
    return EXIT_DONE;
}

static enum exit_status run_clean(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    SCOPED(close_session) struct account_session session = {0};
    enum exit_status opened = open_session(invocation, &session);
    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = media_clean(&session.call, clock_wall_ms());
    return code == OK ? EXIT_DONE : account_session_failed(&session, code);
}

static enum exit_status run_migrate(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);
    int64_t count;

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    SCOPED(close_session) struct account_session session = {0};
    enum exit_status opened = open_session(invocation, &session);
    if (opened != EXIT_DONE)
        return opened;
    enum errcode code =
        media_store_migrate(&session.call, media_store_current(&session.call), &count);
    if (code != OK)
        return account_session_failed(&session, code);
    printf("%" PRId64 " files moved.\n", count);
    return EXIT_DONE;
}

#define MEDIA_COMMAND(word, text, more)                                                            \
    const struct command command_media_##word = {.name = "media " #word,                           \
                                                 .operands = "[MXC_URI]",                          \
                                                 .summary = text,                                  \
                                                 .details = more,                                  \
                                                 .run = run_##word}

MEDIA_COMMAND(list, "show files: size, name, type",
              "All conditions that are given must hold.\n"
              "\n"
              "  beffroi media list --user @anna:example.org --larger 1000000\n");
MEDIA_COMMAND(delete, "delete files, and their bytes when nothing else uses them",
              "All conditions that are given must hold. `media list` shows what would be meant.\n"
              "\n"
              "  beffroi media delete mxc://example.org/abcdef\n"
              "  beffroi media delete --others --before 2025-01-31\n");
MEDIA_COMMAND(quarantine, "hide files from everybody, but keep them",
              "  beffroi media quarantine --room '!room:example.org'\n");
MEDIA_COMMAND(unquarantine, "show quarantined files again",
              "  beffroi media unquarantine mxc://example.org/abcdef\n");
MEDIA_COMMAND(protect, "keep files from quarantine by room or user, and from retention",
              "  beffroi media protect mxc://example.org/abcdef\n");
MEDIA_COMMAND(unprotect, "take the protection away again",
              "  beffroi media unprotect mxc://example.org/abcdef\n");

const struct command command_media_stats = {
    .name = "media stats",
    .operands = "",
    .summary = "how much is stored",
    .details = "Identical files are stored once, so less may be stored than was uploaded.\n",
    .run = run_stats,
};

const struct command command_media_clean = {
    .name = "media clean",
    .operands = "",
    .summary = "remove at once what a server removes by and by",
    .details =
        "IDs that were not filled in time, files over the retention time, and what uploads left\n"
        "behind that were interrupted. An upload that is being stored at this very moment fails.\n",
    .run = run_clean,
};

const struct command command_media_migrate = {
    .name = "media migrate",
    .operands = "",
    .summary = "move all files to the store that media.store names",
    .details = "Servers may run meanwhile. Can be interrupted and started again.\n",
    .run = run_migrate,
};
