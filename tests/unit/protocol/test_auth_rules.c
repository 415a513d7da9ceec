#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/room_script.h"
#include "tests/support/test.h"

/* A story that must go as told in all room versions from `first` to `last`. */
struct story {
    const char *rule;
    int first;
    int last;
    const char *script;
};

#define ROOM "@a create; @a join; "

static const struct story stories[] = {
    {"1.1 create must be the first event", 1, 12, ROOM "!1.1 @a create"},
    {"1.3 an unknown room version is refused", 1, 12, "!1.3 @a create {'room_version': 'x'}"},
    {"1.3 a version that is no string is refused", 1, 12, "!1.3 @a create {'room_version': 1}"},
    {"1.4 until v10 a creator must be named", 1, 10,
     "!1.4 @a put m.room.create \"\" {'room_version': '1'}"},
    {"1.4 since v11 it need not be", 11, 12, "@a put m.room.create \"\" {}"},
    {"1.4 additional creators are user IDs", 12, 12,
     "!1.4 @a create {'additional_creators': ['b']};"
     "!1.4 @a create {'additional_creators': '@b:one'};"
     "!1.4 @a create {'additional_creators': [1]};"
     "@a create {'additional_creators': ['@b:one']}"},
    {"1.4 nobody minds additional creators before v12", 1, 11,
     "@a create {'additional_creators': 5}"},
    {"2 nothing happens before the create event", 1, 12, "!2 @a join; !2 @a send m.text"},
    {"4 a room may be closed to other servers", 1, 12,
     "@a create {'m.federate': false}; @a join; @a rules public; @b join; !4 @c:two join;"
     "!4 @c:two send m.text"},
    {"4 anything but false leaves it open", 1, 12,
     "@a create {'m.federate': 'no'}; @a join; @a rules public; @c:two join"},

    {"aliases 4.1 they are state", 1, 5, ROOM "!4.1 @a put m.room.aliases - {}"},
    {"aliases 4.2 of the own server", 1, 5, ROOM "!4.2 @a put m.room.aliases two {}"},
    {"aliases 4.3 from anybody", 1, 5, ROOM "@x put m.room.aliases one {}"},
    {"aliases are like any event since v6", 6, 12,
     ROOM "!6 @x put m.room.aliases one {}; @a put m.room.aliases two {}"},

    {"5.1 a member event is state", 1, 12,
     ROOM "!5.1 @a put m.room.member - {'membership': 'join'}"},
    {"5.1 a membership is needed", 1, 12, ROOM "!5.1 @a member @a {}"},
    {"5.2.1 the authorising server signs", 8, 12,
     ROOM "@a rules restricted; signatures off; !5.2.1 @b join via @a; signatures on;"
          "@b join via @a"},
    {"5.2.1 in any membership event", 8, 12,
     ROOM "signatures off; !5.2.1 @a member @b {'membership': 'invite',"
          "'join_authorised_via_users_server': '@a:one'}"},
    {"5.2.1 a name that is no string names nobody", 8, 12,
     ROOM "!5.2.1 @a member @a {'membership': 'join', 'join_authorised_via_users_server': 1}"},
    {"5.2 the key means nothing before v8", 1, 7,
     ROOM "signatures off; @a rules public; @b join via @a"},

    {"5.3.1 the creator joins first", 1, 12, "@a create; @a join"},
    {"5.3.1 only as the first event after it", 1, 12, ROOM "@a leave; !5.3.4 @a join"},
    {"5.3.1 only the creator", 1, 12, "@a create; !5.3.4 @b join"},
    {"5.3.1 until v10 content.creator is the creator", 1, 10,
     "@a create {'creator': '@b:one'}; !5.3.4 @a join; @b join"},
    {"5.3.1 since v11 the sender is", 11, 12,
     "@a create {'creator': '@b:one'}; !5.3.4 @b join; @a join"},
    {"5.3.1 additional creators can not join by it", 12, 12,
     "@a create {'additional_creators': ['@b:one']}; !5.3.4 @b join"},
    {"5.3.2 nobody joins for another", 1, 12,
     ROOM "@a rules public; !5.3.2 @a member @b {'membership': 'join'}"},
    {"5.3.3 who is banned stays out", 1, 12,
     ROOM "@a rules public; @b join; @a ban @b; !5.3.3 @b join"},
    {"5.3.4 invite: those who were invited", 1, 12,
     ROOM "@a rules invite; !5.3.4 @b join; @a invite @b; @b join; @b join; @b leave;"
          "!5.3.4 @b join"},
    {"5.3.4 a room without join rules is by invitation", 1, 12,
     ROOM "!5.3.4 @b join; @a invite @b; @b join"},
    {"5.3.4 knock is like invite", 7, 12,
     ROOM "@a rules knock; !5.3.4 @b join; @b knock; !5.3.4 @b join; @a invite @b; @b join"},
    {"5.3.5 restricted: a member vouches", 8, 12,
     ROOM "@a rules restricted; !5.3.5.2 @b join; !5.3.5.2 @b join via @x; @b join via @a; @b join;"
          "@a invite @c; @c join"},
    {"5.3.5.2 who vouches must be able to invite", 8, 12,
     ROOM "@a rules restricted; @b join via @a; @a power invite 50; !5.3.5.2 @c join via @b;"
          "@a power @b 50; @c join via @b"},
    {"5.3.5 knock_restricted since v10", 10, 12,
     ROOM "@a rules knock_restricted; !5.3.5.2 @b join; @b join via @a"},
    {"5.3.6 public: everybody", 1, 12, ROOM "@a rules public; @b join; @c:two join"},
    {"5.3.7 rules that are not known let nobody in", 1, 12,
     ROOM "@a rules private; @a invite @b; !5.3.7 @b join"},
    {"5.3.7 a rule that is no string lets nobody in", 1, 12,
     ROOM "@a put m.room.join_rules \"\" {'join_rule': 5}; @a invite @b; !5.3.7 @b join"},
    {"5.3.4 an empty join rules event means by invitation", 1, 12,
     ROOM "@a put m.room.join_rules \"\" {}; @a invite @b; @b join"},
    {"5.3.7 knock is not known before v7", 1, 6,
     ROOM "@a rules knock; @a invite @b; !5.3.7 @b join; !5.8 @c knock"},
    {"5.3.7 restricted is not known before v8", 1, 7,
     ROOM "@a rules restricted; @a invite @b; !5.3.7 @b join"},
    {"5.3.7 knock_restricted is not known before v10", 1, 9,
     ROOM "@a rules knock_restricted; @a invite @b; !5.3.7 @b join"},

    {"5.4.1.1 no third-party invite for the banned", 1, 12,
     ROOM "@a put m.room.third_party_invite t {}; @a ban @b; !5.4.1.1 @a member @b "
          "{'membership': 'invite', 'third_party_invite': {'signed': {'mxid': '@b:one',"
          "'token': 't'}}}"},
    {"5.4.1.2 signed must be there", 1, 12,
     ROOM "!5.4.1.2 @a member @b {'membership': 'invite', 'third_party_invite': {}};"
          "!5.4.1.2 @a member @b {'membership': 'invite', 'third_party_invite': 1}"},
    {"5.4.1.3 mxid and token must be there", 1, 12,
     ROOM "!5.4.1.3 @a member @b {'membership': 'invite', 'third_party_invite': {'signed':"
          "{'mxid': '@b:one'}}}; !5.4.1.3 @a member @b {'membership': 'invite',"
          "'third_party_invite': {'signed': {'token': 't'}}}"},
    {"5.4.1.4 the invite is for who is named", 1, 12,
     ROOM "!5.4.1.4 @a member @b {'membership': 'invite', 'third_party_invite': {'signed':"
          "{'mxid': '@c:one', 'token': 't'}}}"},
    {"5.4.1.5 the token must be known", 1, 12,
     ROOM "!5.4.1.5 @a member @b {'membership': 'invite', 'third_party_invite': {'signed':"
          "{'mxid': '@b:one', 'token': 't'}}}"},
    {"5.4.1.6 and be the sender's", 1, 12,
     ROOM "@a rules public; @c join; @a put m.room.third_party_invite t {}; !5.4.1.6 @c member @b "
          "{'membership': 'invite', 'third_party_invite': {'signed': {'mxid': '@b:one',"
          "'token': 't'}}}"},
    {"5.4.1.7 and be signed", 1, 12,
     ROOM "@a put m.room.third_party_invite t {}; signatures off; !5.4.1.8 @a member @b "
          "{'membership': 'invite', 'third_party_invite': {'signed': {'mxid': '@b:one',"
          "'token': 't'}}}; signatures on; @a member @b {'membership': 'invite',"
          "'third_party_invite': {'signed': {'mxid': '@b:one', 'token': 't'}}}; @b join"},
    {"5.4.2 only members invite", 1, 12, ROOM "!5.4.2 @b invite @c"},
    {"5.4.3 not members, not the banned", 1, 12,
     ROOM "!5.4.3 @a invite @a; @a ban @b; !5.4.3 @a invite @b"},
    {"5.4.5 those with the invite level", 1, 12,
     ROOM "@a rules public; @b join; @b invite @c; @a power invite 1; !5.4.5 @b invite @d;"
          "@a power @b 1; @b invite @d"},

    {"5.5.1 who is in may leave", 1, 12,
     ROOM "!5.5.1 @b leave; @a invite @b; @b leave; !5.5.1 @b leave; @a leave"},
    {"5.5.1 who is banned may not", 1, 12, ROOM "@a ban @b; !5.5.1 @b leave"},
    {"5.5.1 a knock can be taken back", 7, 12, ROOM "@a rules knock; @b knock; @b leave"},
    {"5.5.2 only members remove others", 1, 12, ROOM "@a invite @b; !5.5.2 @c kick @b"},
    {"5.5.3 bans are lifted with the ban level", 1, 12,
     ROOM "@a rules public; @b join; @a power @b 50; @a power ban 60; @a ban @c;"
          "!5.5.3 @b unban @c; @a power ban 50; @b unban @c"},
    {"5.5.4 and the kick level", 1, 12,
     ROOM "@a rules public; @b join; @a power @b 50; @a power kick 60; @a ban @c;"
          "!5.5.5 @b unban @c"},
    {"5.5.4 kicks go downwards", 1, 12,
     ROOM "@a rules public; @b join; @c join; !5.5.5 @b kick @c; @a power @b 50; @b kick @c;"
          "@c join; @a power @c 50; !5.5.5 @b kick @c; !5.5.5 @b kick @a"},
    {"5.6.1 only members ban", 1, 12, ROOM "!5.6.1 @b ban @c"},
    {"5.6.2 downwards, with the ban level", 1, 12,
     ROOM "@a rules public; @b join; @c join; !5.6.3 @b ban @c; @a power @b 50; @b ban @c;"
          "!5.6.3 @b ban @a; @a power @d 50; !5.6.3 @b ban @d"},
    {"5.7.1 knocking needs a knockable room", 7, 12,
     ROOM "!5.7.1 @b knock; @a rules public; !5.7.1 @b knock; @a rules knock; @b knock"},
    {"5.7.1 knock_restricted since v10", 10, 12, ROOM "@a rules knock_restricted; @b knock"},
    {"5.7.1 but not before", 7, 9, ROOM "@a rules knock_restricted; !5.7.1 @b knock"},
    {"5.7.2 nobody knocks for another", 7, 12,
     ROOM "@a rules knock; !5.7.2 @b member @c {'membership': 'knock'}"},
    {"5.7.4 nor when in, invited or banned", 7, 12,
     ROOM "@a rules knock; !5.7.4 @a knock; @a invite @b; !5.7.4 @b knock; @a ban @c;"
          "!5.7.4 @c knock; @d knock; @d knock"},
    {"5.8 other memberships are refused", 1, 12,
     ROOM "!5.8 @a member @a {'membership': 'owner'}; !5.8 @a member @a {'membership': 1};"
          "!5.8 @a member @a {'membership': 'join\\u0000'}"},

    {"6 only members send", 1, 12,
     ROOM "@a send m.text; !6 @b send m.text; @a invite @b; !6 @b send m.text; !6 @b state x y"},
    {"7.1 third-party invites take the invite level", 1, 12,
     ROOM "@a rules public; @b join; @b put m.room.third_party_invite t {}; @a power invite 1;"
          "!7.1 @b put m.room.third_party_invite u {}"},
    {"8 events take their level", 1, 12,
     ROOM "@a rules public; @b join; @b send m.text; !8 @b put m.room.name \"\" {};"
          "@a power events m.room.name 0; @b put m.room.name \"\" {};"
          "@a power events m.text 1; !8 @b send m.text; @b send m.other;"
          "@a power events_default 1; !8 @b send m.other; @a power state_default 0; @b state x y"},
    {"8 without power levels, state takes 50", 1, 12,
     ROOM "@a rules public; @b join; !8 @b state x y; @a state x y; @b send m.text"},
    {"9 state keys that are users are theirs", 1, 12,
     ROOM "!9 @a put x @b {}; @a put x @a {}; @a put x _@b {}; !9 @a put x @ {}"},

    {"10.1 since v10 levels are integers", 10, 12,
     ROOM "!10.1 @a power ban '50'; !10.1 @a power invite true; !10.1 @a power kick null;"
          "@a power ban 50"},
    {"10.2 in events and notifications too", 10, 12,
     ROOM "!10.2 @a power events x '1'; !10.2 @a power notifications x '1';"
          "!10.2 @a power events []; !10.2 @a power notifications 5; @a power events x 1"},
    {"10.1 before v10 strings will do", 1, 9,
     ROOM "@a rules public; @b join; @a power @b '+050'; @a power events m.room.name '0050';"
          "@b put m.room.name \"\" {}; @a power ban '60'; !5.6.3 @b ban @c"},
    {"10.3 users have user IDs and levels", 1, 12,
     ROOM "!10.3 @a power users b 1; !10.3 @a power users @b:one true;"
          "!10.3 @a power users @b:one 'x'; !10.3 @a put m.room.power_levels \"\" {'users': []}"},
    {"10.3 since v10 users have integers", 10, 12, ROOM "!10.3 @a power users @b:one '1'"},
    {"10.3 floats are levels until v5", 1, 5,
     ROOM "@a rules public; @b join; @a power @b 50.9; @a power ban 50; @b ban @c"},
    {"10.3 and not since v6", 6, 12, ROOM "!10.3 @a power @b 50.5"},
    {"10.4 creators are not named in v12", 12, 12,
     "@a create {'additional_creators': ['@b:one']}; @a join; !10.4 @a power @a 100;"
     "!10.4 @a power @b 100; @a power @c 100"},
    {"10.5 the first event may say anything", 1, 12, ROOM "@a power ban 5000"},
    {"10.6 scalar levels up to the own one", 1, 11,
     ROOM "@a rules public; @b join; @a power @b 50; @b power ban 50; @b power ban 40;"
          "!10.6.2 @b power ban 51; @a power ban 60; !10.6.1 @b power ban 10;"
          "@a power ban 50; @a power users_default 0; @b power users_default 10"},
    {"10.7 event levels up to the own one", 1, 11,
     ROOM "@a rules public; @b join; @a power events m.room.power_levels 50; @a power @b 50;"
          "@b power events x 50; @b power events x none; !10.8.1 @b power events x 51;"
          "@a power events x 60; !10.7.1 @b power events x 1; !10.7.1 @b power events x none"},
    {"10.7 notification levels since v6", 6, 11,
     ROOM "@a rules public; @b join; @a power @b 50; @b power notifications room 50;"
          "!10.8.1 @b power notifications room 51; @a power notifications room 60;"
          "!10.7.1 @b power notifications room 1"},
    {"10.7 and before they are free", 1, 5,
     ROOM "@a rules public; @b join; @a power @b 50; @b power notifications room 51;"
          "@b power notifications room 1"},
    {"10.9 nobody changes their equals", 1, 12,
     ROOM "@a rules public; @b join; @a power @b 50; @a power @c 50; !10.9.1 @b power @c 10;"
          "!10.9.1 @b power @c none; @a power @d 60; !10.9.1 @b power @d 10; @b power @b 20"},
    {"10.10 nobody is raised above oneself", 1, 12,
     ROOM "@a rules public; @b join; @a power @b 50; @b power @c 50; !10.10.1 @b power @d 51;"
          "!10.10.1 @b power @b 51; !10.9.1 @b power @c 51"},
    {"10.11 creators outrank every number", 12, 12,
     "@a create {'additional_creators': ['@b:one']}; @a join; @a rules public; @b join; @c join;"
     "@a power @c 9007199254740991; @c power @e 1; @b power @c 1;"
     "@c send m.text; !5.6.3 @a ban @b"},
    {"a creator can not be banned by anybody", 12, 12,
     ROOM "@a rules public; @c join; @a power @c 9007199254740991; !5.6.3 @c ban @a; @a ban @c"},

    {"redactions 11 by power or from the same server", 1, 2,
     ROOM "@a rules public; @b join; @b redact $2:one; @c:two join; !11.3 @c:two redact $2:one;"
          "!11.3 @c:two redact x; @a redact $5:two; @a power @c:two 50; @c:two redact $2:one"},
    {"redactions are like any event since v3", 3, 12,
     ROOM "@a rules public; @c:two join; @c:two redact $2"},
};

/* Those of proposals have the rules of the version that they build on, but for rule 9. */
static void play_stories(const struct room_version *version)
{
    int number = builders_version_number(version);

    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct script_room *room = script_room_create(arena, version);

        if (number < stories[i].first || number > stories[i].last ||
            (version->owned_state && stories[i].rule[0] == '9'))
            continue;
        if (!script_room_play(room, stories[i].script))
            fail_msg("%s: %s", stories[i].rule, room->problem);
    }
}

static void every_rule_of_every_version_accepts_and_rejects(void **state)
{
    (void)state;
    for (size_t i = 0; i < room_version_count; i++)
        play_stories(&room_versions[i]);
}

static struct event *room_create(struct arena *arena, const struct room_version *version,
                                 const char *room_id, const char *content)
{
    const struct event_parts parts = {.event_id = "$c",
                                      .room_id = room_id,
                                      .type = "m.room.create",
                                      .state_key = "",
                                      .content = content};

    return build_event(arena, version, &parts);
}

static const struct event *no_state(void *context, const char *type, const char *state_key)
{
    (void)context;
    (void)type;
    (void)state_key;
    return NULL;
}

static const struct auth_state empty_state = {.lookup = no_state};

static void rule_1_2_ties_the_room_id_to_the_create_event(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct room_version *v11 = room_version_find("11"), *v12 = room_version_find("12");
    const char *why;

    assert_true(auth_rules_check(room_create(arena, v11, "!r:one", "{}"), &empty_state, &why));
    assert_null(why);
    assert_false(auth_rules_check(room_create(arena, v11, "!r:two", "{}"), &empty_state, &why));
    assert_non_null(strstr(why, "(rule 1.2)"));
    assert_false(auth_rules_check(room_create(arena, v11, "!r", "{}"), &empty_state, &why));

    struct event *create = room_create(arena, v12, "!c", "{}");
    assert_true(auth_rules_check(create, &empty_state, &why));
    json_object_set_new(create->json, "room_id", json_string("!c"));
    assert_false(auth_rules_check(create, &empty_state, &why));
    assert_non_null(strstr(why, "(rule 1.2)"));
}

static void rule_2_of_v12_wants_an_accepted_create_event_of_this_room(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct room_version *v12 = room_version_find("12");
    struct event *create = room_create(arena, v12, "!c", "{}");
    const char *const prev_events[] = {"$c"};
    const struct event_parts parts = {.event_id = "$j",
                                      .room_id = "!c",
                                      .type = "m.room.member",
                                      .state_key = "@a:one",
                                      .content = "{'membership': 'join'}",
                                      .prev_events = prev_events,
                                      .prev_event_count = 1};
    struct event *join = build_event(arena, v12, &parts);
    struct auth_state auth_state = {.lookup = no_state, .create = create};
    const char *why;

    assert_true(auth_rules_check(join, &auth_state, &why));
    create->rejected = true;
    assert_false(auth_rules_check(join, &auth_state, &why));
    create->rejected = false;
    join->room_id = "!other";
    assert_false(auth_rules_check(join, &auth_state, &why));
    join->room_id = "#c";
    assert_false(auth_rules_check(join, &auth_state, &why));
    join->room_id = "!c";
    auth_state.create = NULL;
    assert_false(auth_rules_check(join, &auth_state, &why));
    assert_non_null(strstr(why, "(rule 2)"));
}

static void signatures_count_as_missing_when_nobody_can_check_them(void **state)
{
    (void)state;
    const struct room_version *version = room_version_find("11");
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct script_room *room = script_room_create(arena, version);
    const struct auth_signatures none = {0};
    const char *why;

    assert_true(script_room_play(
        room, ROOM "@a rules restricted; @b join via @a; @a put m.room.third_party_invite t {};"
                   "@a member @c {'membership': 'invite', 'third_party_invite': {'signed':"
                   "{'mxid': '@c:one', 'token': 't'}}}"));
    const struct event *join = script_room_state(room, "m.room.member", "@b:one");
    const struct event *invite = script_room_state(room, "m.room.member", "@c:one");
    struct auth_state auth_state = script_room_auth_state(room);
    const struct auth_signatures *const checkers[] = {NULL, &none};

    for (size_t i = 0; i < COUNT_OF(checkers); i++) {
        auth_state.signatures = checkers[i];
        assert_false(auth_rules_check(join, &auth_state, &why));
        assert_non_null(strstr(why, "(rule 5.2.1)"));
        assert_false(auth_rules_check(invite, &auth_state, &why));
        assert_non_null(strstr(why, "(rule 5.4.1.8)"));
    }
    auth_state.signatures = &auth_signatures_verified_before;
    assert_true(auth_rules_check(join, &auth_state, &why));
    assert_true(auth_rules_check(invite, &auth_state, &why));
}

/* The auth events of the last event of a room; some tests bend them. */
static size_t collect_auth_events(struct script_room *room, const struct event *out[])
{
    const struct event *last = script_room_last(room);
    size_t count = 0;

    for (size_t i = 0; i < last->auth_event_count; i++) {
        for (size_t j = 0; j < room->events.count; j++) {
            if (strcmp(room->events.items[j]->event_id, last->auth_events[i]) == 0)
                out[count++] = room->events.items[j];
        }
    }
    return count;
}

static void assert_auth_events_refused(const struct event *event, const struct event *const *list,
                                       size_t count, const char *rule)
{
    const char *why;

    assert_false(auth_rules_check_auth_events(event, list, count, &why));
    assert_non_null(strstr(why, rule));
}

static void rule_3_judges_the_list_of_auth_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < room_version_count; i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        const struct room_version *version = &room_versions[i];
        struct script_room *room = script_room_create(arena, version);
        const struct event *list[16], *bent[16];
        const char *why;

        assert_true(
            script_room_play(room, ROOM "@a power ban 50; @a rules public; @a send m.text"));
        const struct event *text = script_room_last(room);
        size_t count = collect_auth_events(room, list);
        assert_int_equal(count, version->room_id_is_create_hash ? 2 : 3);
        assert_true(auth_rules_check_auth_events(text, list, count, &why));
        assert_null(why);

        memcpy(bent, list, sizeof(list));
        bent[count] = list[0];
        assert_auth_events_refused(text, bent, count + 1, "(rule 3.1)");
        bent[count] = script_room_state(room, "m.room.join_rules", "");
        assert_auth_events_refused(text, bent, count + 1, "(rule 3.2)");
        bent[count] = text;
        assert_auth_events_refused(text, bent, count + 1, "(rule 3.2)");
        for (size_t j = 0; j < COUNT_OF(bent); j++)
            bent[j] = list[0];
        assert_auth_events_refused(text, bent, COUNT_OF(bent), "(rule 3.2)");

        struct event rejected = *list[0], elsewhere = *list[0];
        rejected.rejected = true;
        elsewhere.room_id = "!elsewhere:one";
        memcpy(bent, list, sizeof(list));
        bent[0] = &rejected;
        assert_auth_events_refused(text, bent, count, "(rule 3.3)");
        bent[0] = &elsewhere;
        assert_auth_events_refused(text, bent, count, "(rule 3.5)");

        bent[0] = room->create;
        if (version->room_id_is_create_hash)
            assert_auth_events_refused(text, bent, 1, "(rule 3.2)");
        else
            assert_auth_events_refused(text, list + 1, count - 1, "(rule 2.4 of v11)");
    }
}

static void a_create_event_needs_no_auth_events(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *why;

    assert_true(auth_rules_check_auth_events(
        room_create(arena, room_version_find("11"), "!r:one", "{}"), NULL, 0, &why));
}

static void redactions_take_effect_by_power_or_within_a_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < room_version_count; i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        const struct room_version *version = &room_versions[i];
        struct script_room *room = script_room_create(arena, version);

        assert_true(script_room_play(room, ROOM "@a rules public; @b join; @c:two join;"
                                                "@a power @m:two 50; @m:two join"));
        struct auth_state auth_state = script_room_auth_state(room);
        const struct event *joins[] = {script_room_state(room, "m.room.member", "@a:one"),
                                       script_room_state(room, "m.room.member", "@c:two")};
        struct event by_b = *joins[0], by_c = *joins[0], by_m = *joins[0];
        by_b.sender = "@b:one";
        by_c.sender = "@c:two";
        by_m.sender = "@m:two";
        bool judged_before = version->redaction_auth_rule;

        assert_true(auth_rules_redaction_applies(&by_b, joins[0], &auth_state));
        assert_int_equal(auth_rules_redaction_applies(&by_b, joins[1], &auth_state), judged_before);
        assert_int_equal(auth_rules_redaction_applies(&by_c, joins[0], &auth_state), judged_before);
        assert_true(auth_rules_redaction_applies(&by_m, joins[0], &auth_state));
        by_m.room_id = "!elsewhere:one";
        assert_false(auth_rules_redaction_applies(&by_m, joins[0], &auth_state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_of_every_version_accepts_and_rejects),
        cmocka_unit_test(rule_1_2_ties_the_room_id_to_the_create_event),
        cmocka_unit_test(rule_2_of_v12_wants_an_accepted_create_event_of_this_room),
        cmocka_unit_test(signatures_count_as_missing_when_nobody_can_check_them),
        cmocka_unit_test(rule_3_judges_the_list_of_auth_events),
        cmocka_unit_test(a_create_event_needs_no_auth_events),
        cmocka_unit_test(redactions_take_effect_by_power_or_within_a_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
