/* beffroi verify-room */
#include <string.h>

#include "homeserver/base/map.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/known_keys.h"
#include "homeserver/cli/room_export.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_check.h"
#include "homeserver/protocol/room_version.h"

struct verification {
    struct arena *arena;
    struct known_keys keys;
    struct room_export export;
    struct room_check_report report;
    size_t fault_count;
};

static const char *const kind_names[] = {
    [ROOM_CHECK_NO_EVENT] = "no event",   [ROOM_CHECK_HASH] = "hash",
    [ROOM_CHECK_SIGNATURE] = "signature", [ROOM_CHECK_MISSING] = "gap",
    [ROOM_CHECK_AUTH_EVENTS] = "auth",    [ROOM_CHECK_REJECTED] = "rejected",
    [ROOM_CHECK_CIRCLE] = "circle",
};

/* What the server knows already, or can not know: a redaction replaced the content, the event was
 * rejected when it came in, history was never fetched. */
static bool is_expected(const struct verification *verification,
                        const struct room_check_finding *finding)
{
    const struct exported_pdu *pdu = &verification->export.details.items[finding->index];

    if (finding->kind == ROOM_CHECK_MISSING)
        return true;
    return finding->kind == ROOM_CHECK_HASH ? pdu->is_redacted : pdu->is_rejected;
}

static void print_findings(struct verification *verification)
{
    const struct room_check_report *report = &verification->report;

    for (size_t i = 0; i < report->findings.count; i++) {
        const struct room_check_finding *finding = &report->findings.items[i];
        bool expected = is_expected(verification, finding);
        printf("%-9s  %s  %s%s\n", kind_names[finding->kind],
               finding->event_id != NULL ? finding->event_id : "(no event ID)", finding->text,
               !expected || finding->kind == ROOM_CHECK_MISSING ? "" : " (as the server knows)");
        verification->fault_count += !expected;
    }
}

/* The state that was computed against the one that the server works with. */
static void compare_states(struct verification *verification)
{
    const struct room_export *export = &verification->export;
    struct map *stored = map_create(verification->arena);
    size_t same = 0;

    for (size_t i = 0; i < export->state_event_ids.count; i++)
        map_set(stored, export->state_event_ids.items[i], NULL);
    for (size_t i = 0; i < verification->report.state.count; i++) {
        const struct event *event = verification->report.state.items[i];
        if (map_contains(stored, event->event_id)) {
            same++;
            continue;
        }
        printf("state      %s  belongs to the state as %s \"%s\", but the server has another\n",
               event->event_id, event->type, event->state_key);
        verification->fault_count++;
    }
    if (same < export->state_event_ids.count) {
        printf("state      the server's state has %zu events that do not belong to it\n",
               export->state_event_ids.count - same);
        verification->fault_count++;
    }
}

static void print_summary(const struct verification *verification)
{
    const struct room_check_report *report = &verification->report;

    printf("%s, room version %s\n", report->room_id != NULL ? report->room_id : "a room",
           report->version->id);
    printf("  %zu events judged, %zu rejected\n", report->event_count, report->rejected_count);
    printf("  %zu with verified signatures, %zu signed with keys that are not known here\n",
           report->verified_count, report->unverified_count);
    printf("  %zu times states were resolved; the room's state has %zu events%s\n",
           report->resolution_count, report->state.count,
           verification->export.has_state ? ", compared with the server's" : "");
    if (verification->fault_count == 0)
        printf("No fault found.\n");
    else
        printf("%zu faults found.\n", verification->fault_count);
}

static enum errcode verify(struct verification *verification, struct error *error)
{
    const struct room_check_options options = {
        .find_key = known_keys_find,
        .find_key_context = &verification->keys,
        .soft_failed = verification->export.soft_failed.items,
    };

    TRY(room_check(verification->arena, verification->export.pdus.items,
                   verification->export.pdus.count, &options, error, &verification->report));
    print_findings(verification);
    if (verification->export.has_state)
        compare_states(verification);
    print_summary(verification);
    return OK;
}

static enum errcode add_key_file(struct verification *verification, const char *path,
                                 struct error *error)
{
    json_t *json;

    if (path == NULL)
        return OK;
    TRY(json_file_read(verification->arena, path, error, &json));
    return known_keys_add_documents(&verification->keys, verification->arena, json, error);
}

static enum exit_status finish(const struct verification *verification, enum errcode code,
                               const struct error *error)
{
    if (code == OK)
        return verification->fault_count == 0 ? EXIT_DONE : EXIT_FAILED;
    command_complain("%s", error->text[0] != '\0' ? error->text : errcode_default_text(code));
    return EXIT_FAILED;
}

static enum exit_status verify_file(struct verification *verification, const char *path)
{
    struct error error = {0};
    enum errcode code =
        room_export_read_file(verification->arena, path, &error, &verification->export);

    if (code == OK)
        code = verify(verification, &error);
    return finish(verification, code, &error);
}

static enum errcode load_and_verify(struct account_session *session,
                                    struct verification *verification, const char *room_id)
{
    verification->keys.db = session->call.db;
    verification->keys.arena = verification->arena;
    TRY(known_keys_add_own(&verification->keys, verification->arena, session->config,
                           &session->error));
    TRY(room_export_load(session->call.db, verification->arena, room_id, &session->error,
                         &verification->export));
    return verify(verification, &session->error);
}

static enum exit_status verify_stored(struct invocation *invocation,
                                      struct verification *verification, const char *room_id)
{
    SCOPED(account_session_close) struct account_session session = {0};
    enum exit_status opened = account_session_open(invocation, &session);

    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = load_and_verify(&session, verification, room_id);
    return finish(verification, code, &session.error);
}

static enum exit_status run(struct invocation *invocation)
{
    struct verification verification = {.arena = invocation->arena};
    struct error error = {0};
    const char *key_file = NULL;
    const struct command_option options[] = {
        {"keys", "FILE", "signing keys of servers, as /_matrix/key/v2 answers them", NULL,
         &key_file},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    const char *room = invocation->operands[0];
    enum errcode code = add_key_file(&verification, key_file, &error);
    if (code != OK)
        return finish(&verification, code, &error);
    return room[0] == '!' ? verify_stored(invocation, &verification, room)
                          : verify_file(&verification, room);
}

const struct command command_verify_room = {
    .name = "verify-room",
    .operands = "FILE|ROOM_ID",
    .summary = "repeat hashes, signatures, auth rules and state resolution of a room",
    .details =
        "Reads a room again from nothing and says what does not hold: a room of this server's\n"
        "database, or the events in a file (a JSON list, one event per line, or what servers\n"
        "answer each other, such as /state or /send_join). Changes nothing.\n"
        "\n"
        "Each finding is a line: kind, event ID, what is wrong. A `gap` is history that is not\n"
        "there, which is no fault. Ends with 1 when there is a fault.\n"
        "\n"
        "  beffroi verify-room '!abc:example.org'\n"
        "  beffroi verify-room --keys keys.json room.json\n",
    .run = run,
};
