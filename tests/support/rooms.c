/* Services of homeserver/rooms for tests, with a signing key for test.example. */
#include "tests/support/rooms.h"

#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/sync/notifier.h"
#include "storage/journal.h"
#include "storage/users.h"
#include "tests/support/test.h"

enum { ROOMS_MAX = 16 };

int rooms_setup(void **state)
{
    static const uint8_t seed[ED25519_SEED_BYTES] = {1, 2, 3};
    struct rooms_fixture *fixture = calloc(1, sizeof(*fixture));
    struct domain_key key = {.server_name = "test.example", .key = {.key_id = "ed25519:test"}};
    void *accounts = NULL;

    assert_non_null(fixture);
    assert_int_equal(accounts_setup(&accounts), 0);
    ed25519_key_pair_from_seed(&key.key.pair, seed);
    fixture->accounts = accounts;
    fixture->accounts->services.rooms = room_service_create(&key, 1, ROOMS_MAX);
    fixture->accounts->services.notifier = notifier_create();
    journal_add_listener(fixture->accounts->services.journal, notifier_on_change,
                         fixture->accounts->services.notifier);
    fixture->call = &fixture->accounts->call;
    fixture->call->arena = arena_create();
    *state = fixture;
    return 0;
}

/* What became of them is for the tests to look at. */
static void wait_for_commits(struct rooms_fixture *fixture)
{
    enum errcode outcome = commit_group_wait(fixture->call->commits);

    (void)outcome;
}

int rooms_teardown(void **state)
{
    struct rooms_fixture *fixture = *state;
    void *accounts = fixture->accounts;
    struct services services = fixture->accounts->services;

    wait_for_commits(fixture);
    arena_destroy(fixture->call->arena);
    fixture->call->arena = fixture->accounts->journal->arena;
    int result = accounts_teardown(&accounts);
    /* The journal tells them of what it wrote last. */
    notifier_destroy(services.notifier);
    room_service_destroy(services.rooms);
    free(fixture);
    return result;
}

void test_next_call(struct rooms_fixture *fixture)
{
    wait_for_commits(fixture);
    commit_group_release(fixture->call->commits);
    fixture->call->commits = commit_group_create();
    arena_reset(fixture->call->arena);
    error_clear(fixture->call->error);
}

const struct requester *test_requester(struct rooms_fixture *fixture, const char *user_id)
{
    struct arena *arena = fixture->accounts->journal->arena;
    struct requester *requester = ARENA_NEW(arena, struct requester);

    requester->user_id = arena_strdup(arena, user_id);
    requester->device_id = "DEVICE";
    requester->server_name = identifier_domain(requester->user_id);
    assert_int_equal(user_nid_intern(fixture->call->db, arena, user_id, &requester->user_nid), OK);
    return requester;
}

const char *test_room(struct rooms_fixture *fixture, const struct requester *creator,
                      const char *version)
{
    const struct new_room wanted = {.version = room_version_find(version),
                                    .preset = PRESET_PUBLIC_CHAT};
    const char *room_id;

    assert_int_equal(room_create_new(fixture->call, creator, &wanted, &room_id), OK);
    room_id = arena_strdup(fixture->accounts->journal->arena, room_id);
    assert_int_equal(commit_group_wait(fixture->call->commits), OK);
    return room_id;
}

enum errcode test_change_membership(struct rooms_fixture *fixture, const char *room_id,
                                    const struct requester *by, const char *target,
                                    const char *membership)
{
    const struct membership_change change = {
        .requester = by, .target = target, .membership = membership};
    const char *event_id;

    TRY(membership_change(fixture->call, room_id, &change, &event_id));
    return commit_group_wait(fixture->call->commits);
}

enum errcode test_message(struct rooms_fixture *fixture, const char *room_id,
                          const struct requester *by, const char *body, const char **event_id_out)
{
    struct call *call = fixture->call;
    const char *event_id;
    const struct event_draft draft = {
        .type = "m.room.message",
        .sender = by->user_id,
        .sender_nid = by->user_nid,
        .content =
            json_on_arena(call->arena, json_pack("{ss, ss}", "msgtype", "m.text", "body", body)),
    };

    TRY(room_send_event(call, room_id, &draft, &event_id));
    if (event_id_out != NULL)
        *event_id_out = arena_strdup(fixture->accounts->journal->arena, event_id);
    return commit_group_wait(call->commits);
}
