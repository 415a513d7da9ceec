/* Rooms as short texts; see the header for the language. */
#include "tests/support/room_script.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"

enum { WORDS_MAX = 5 };

/* One statement, cut into words; the last word keeps what is left. */
struct statement {
    const char *text;
    const char *expected_rule; /* NULL: must be allowed; "": refused by any rule */
    const char *sender;
    const char *verb;
    const char *args[3];
    size_t arg_count;
    const char *rest[3]; /* the text from args[i] to the end */
};

struct script_room *script_room_create(struct arena *arena, const struct room_version *version)
{
    struct script_room *room = ARENA_NEW(arena, struct script_room);

    room->arena = arena;
    room->version = version;
    room->room_id = version->room_id_is_create_hash ? "!1" : "!room:one";
    room->state = map_create(arena);
    room->signatures_are_valid = true;
    room->branch = "";
    return room;
}

static const char *state_name(const struct script_room *room, const char *type, const char *key)
{
    return arena_printf(room->arena, "%s %s", type, key);
}

struct event *script_room_state(const struct script_room *room, const char *type,
                                const char *state_key)
{
    return map_get(room->state, state_name(room, type, state_key));
}

struct event *script_room_last(const struct script_room *room)
{
    return room->events.count > 0 ? room->events.items[room->events.count - 1] : NULL;
}

static const struct event *lookup_state(void *context, const char *type, const char *state_key)
{
    return script_room_state(context, type, state_key);
}

static bool third_party_is_signed(void *context, const struct event *member,
                                  const struct event *invite)
{
    (void)member;
    (void)invite;
    return ((struct script_room *)context)->signatures_are_valid;
}

static bool authoriser_signed(void *context, const struct event *member)
{
    (void)member;
    return ((struct script_room *)context)->signatures_are_valid;
}

struct auth_state script_room_auth_state(struct script_room *room)
{
    struct auth_signatures *signatures = ARENA_NEW(room->arena, struct auth_signatures);

    *signatures = (struct auth_signatures){third_party_is_signed, authoriser_signed, room};
    return (struct auth_state){
        .lookup = lookup_state,
        .context = room,
        .create = room->create,
        .signatures = signatures,
    };
}

static const char *full_user_id(struct arena *arena, const char *name)
{
    if (name == NULL || name[0] != '@' || strchr(name, ':') != NULL)
        return name;
    return arena_printf(arena, "%s:one", name);
}

static json_t *default_power_levels(const struct script_room *room)
{
    json_t *users = json_object();

    if (!room->version->privileged_creators)
        json_object_set_new(users, room->create->sender, json_integer(100));
    return json_pack("{s:o}", "users", users);
}

/* The present levels with one of them changed. */
static json_t *power_content(struct script_room *room, const struct statement *statement)
{
    struct event *old = script_room_state(room, "m.room.power_levels", "");
    json_t *content = old != NULL ? json_deep_copy(old->content) : default_power_levels(room);
    const char *name = statement->args[0];
    const char *group = name[0] == '@' ? "users" : NULL;
    const char *level = statement->args[1];

    if (statement->arg_count == 3) {
        group = statement->args[0];
        name = statement->args[1];
        level = statement->args[2];
    }
    if (group == NULL) {
        json_object_set_new(content, name, build_json(level));
        return content;
    }
    if (json_get_object(content, group) == NULL)
        json_object_set_new(content, group, json_object());
    json_t *entries = json_get_object(content, group);
    if (strcmp(level, "none") == 0)
        json_object_del(entries, full_user_id(room->arena, name));
    else
        json_object_set_new(entries, full_user_id(room->arena, name), build_json(level));
    return content;
}

static json_t *create_content(struct script_room *room, const struct statement *statement)
{
    json_t *content = json_pack("{s:s}", "room_version", room->version->id);

    if (room->version->creator_in_content)
        json_object_set_new(content, "creator", json_string(statement->sender));
    if (statement->arg_count > 0) {
        json_t *more = build_json(statement->rest[0]);
        json_object_update(content, more);
        json_decref(more);
    }
    return content;
}

static void member_parts(struct script_room *room, struct event_parts *parts,
                         const char *membership, const char *target)
{
    parts->type = "m.room.member";
    parts->state_key = full_user_id(room->arena, target);
    parts->content_owned = json_pack("{s:s}", "membership", membership);
}

static const char *const own_memberships[][2] = {
    {"join", "join"}, {"leave", "leave"}, {"knock", "knock"}};
static const char *const other_memberships[][2] = {
    {"invite", "invite"}, {"kick", "leave"}, {"ban", "ban"}, {"unban", "leave"}};

static bool fill_membership(struct script_room *room, const struct statement *statement,
                            struct event_parts *parts)
{
    for (size_t i = 0; i < COUNT_OF(own_memberships); i++) {
        if (strcmp(statement->verb, own_memberships[i][0]) == 0)
            member_parts(room, parts, own_memberships[i][1], statement->sender);
    }
    for (size_t i = 0; i < COUNT_OF(other_memberships); i++) {
        if (strcmp(statement->verb, other_memberships[i][0]) == 0)
            member_parts(room, parts, other_memberships[i][1], statement->args[0]);
    }
    if (parts->type != NULL && statement->arg_count == 2 && strcmp(statement->args[0], "via") == 0)
        json_object_set_new(parts->content_owned, "join_authorised_via_users_server",
                            json_string(full_user_id(room->arena, statement->args[1])));
    return parts->type != NULL;
}

static void fill_free_form(struct script_room *room, const struct statement *statement,
                           struct event_parts *parts)
{
    const char *key = statement->args[1];

    parts->type = statement->args[0];
    if (strcmp(statement->verb, "send") == 0)
        return;
    if (strcmp(key, "-") != 0)
        parts->state_key = strcmp(key, "\"\"") == 0 ? "" : full_user_id(room->arena, key);
    if (statement->arg_count == 3)
        parts->content = statement->rest[2];
}

static void fill_parts(struct script_room *room, const struct statement *statement,
                       struct event_parts *parts)
{
    const char *verb = statement->verb;

    if (fill_membership(room, statement, parts))
        return;
    if (strcmp(verb, "create") == 0) {
        parts->type = "m.room.create";
        parts->state_key = "";
        parts->content_owned = create_content(room, statement);
    } else if (strcmp(verb, "member") == 0) {
        parts->type = "m.room.member";
        parts->state_key = full_user_id(room->arena, statement->args[0]);
        parts->content = statement->rest[1];
    } else if (strcmp(verb, "rules") == 0) {
        parts->type = "m.room.join_rules";
        parts->state_key = "";
        parts->content_owned = json_pack("{s:s}", "join_rule", statement->args[0]);
    } else if (strcmp(verb, "power") == 0) {
        parts->type = "m.room.power_levels";
        parts->state_key = "";
        parts->content_owned = power_content(room, statement);
    } else if (strcmp(verb, "redact") == 0) {
        parts->type = "m.room.redaction";
        parts->redacts = statement->args[0];
    } else {
        fill_free_form(room, statement, parts);
    }
}

/* The auth events that the selection asks for and the state has. */
static void fill_auth_events(struct script_room *room, struct event_parts *parts,
                             const json_t *content)
{
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    const struct state_key self = {parts->type, parts->state_key};
    const char **ids = ARENA_ARRAY(room->arena, AUTH_EVENT_KEYS_MAX, const char *);
    size_t count = auth_events_select_draft(room->version, &self, parts->sender, content, keys);

    parts->auth_event_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = script_room_state(room, keys[i].type, keys[i].state_key);
        if (event != NULL)
            ids[parts->auth_event_count++] = event->event_id;
    }
    parts->auth_events = ids;
}

/* The same event as others would receive it. */
static struct event *seal(struct script_room *room, const struct event *event)
{
    const struct event *parsed;
    struct error error = {0};

    json_object_set_new(event->json, "signatures", json_object());
    if (event_add_content_hash(event->json) != OK ||
        event_parse(room->arena, room->version, event->json, &error, &parsed) != OK) {
        fprintf(stderr, "an event of the script can not be sealed: %s\n", error.text);
        abort();
    }
    if (strcmp(event->type, "m.room.create") == 0 && room->create == NULL)
        room->room_id = parsed->room_id;
    return arena_memdup(room->arena, parsed, sizeof(*parsed));
}

static struct event *make_event(struct script_room *room, const struct statement *statement)
{
    size_t number = room->events.count + 1;
    struct event *previous = script_room_last(room);
    const char **prev_events = ARENA_ARRAY(room->arena, 1, const char *);
    struct event_parts parts = {
        .room_id = room->room_id,
        .sender = statement->sender,
        .origin_server_ts = (int64_t)number * 1000,
        .depth = (int64_t)number,
        .prev_events = prev_events,
    };

    if (room->version->event_id_format == EVENT_ID_CARRIED)
        parts.event_id = arena_printf(room->arena, "$%zu%s%s", number, room->branch,
                                      strchr(statement->sender, ':'));
    else
        parts.event_id = arena_printf(room->arena, "$%zu%s", number, room->branch);
    if (previous != NULL) {
        prev_events[0] = previous->event_id;
        parts.prev_event_count = 1;
    }
    fill_parts(room, statement, &parts);
    if (parts.content_owned == NULL)
        parts.content_owned = build_json(parts.content != NULL ? parts.content : "{}");
    fill_auth_events(room, &parts, parts.content_owned);
    struct event *event = build_event(room->arena, room->version, &parts);
    return room->seals_events ? seal(room, event) : event;
}

static void apply(struct script_room *room, struct event *event)
{
    array_push(room->arena, &room->events, event);
    if (event->state_key != NULL)
        map_set(room->state, state_name(room, event->type, event->state_key), event);
    if (room->create == NULL && strcmp(event->type, "m.room.create") == 0)
        room->create = event;
}

static bool complain(struct script_room *room, const struct statement *statement, const char *what)
{
    snprintf(room->problem, sizeof(room->problem), "version %s: \"%s\" was %s: %s",
             room->version->id, statement->text, what, room->why != NULL ? room->why : "-");
    return false;
}

static bool reason_names_rule(const char *why, const char *rule)
{
    char wanted[64];

    if (rule[0] == '\0')
        return true;
    snprintf(wanted, sizeof(wanted), "(rule %s", rule);
    const char *found = strstr(why, wanted);
    return found != NULL && strchr(") ", found[strlen(wanted)]) != NULL;
}

static bool play_statement(struct script_room *room, const struct statement *statement)
{
    struct event *event = make_event(room, statement);
    const struct auth_state state = script_room_auth_state(room);
    bool allowed = auth_rules_check(event, &state, &room->why);

    if (allowed)
        apply(room, event);
    if (allowed && statement->expected_rule != NULL)
        return complain(room, statement, "allowed");
    if (!allowed && statement->expected_rule == NULL)
        return complain(room, statement, "refused");
    if (!allowed && !reason_names_rule(room->why, statement->expected_rule))
        return complain(room, statement, "refused by another rule");
    return true;
}

static char *skip_spaces(char *text)
{
    return text + strspn(text, " \n");
}

/* Cuts off and returns the first word; `*text` moves to the next one. NULL at the end. */
static const char *take_word(char **text)
{
    char *word = skip_spaces(*text);
    size_t length = strcspn(word, " \n");

    if (length == 0)
        return NULL;
    *text = word + length;
    if (**text != '\0') {
        **text = '\0';
        *text = skip_spaces(*text + 1);
    }
    return word;
}

static struct statement parse_statement(struct script_room *room, const char *text)
{
    char *rest = arena_strdup(room->arena, text);
    struct statement statement = {.text = text};
    const char *word = take_word(&rest);

    if (word != NULL && word[0] == '!') {
        statement.expected_rule = word + 1;
        word = take_word(&rest);
    }
    statement.sender = full_user_id(room->arena, word);
    statement.verb = take_word(&rest);
    for (size_t i = 0; i < COUNT_OF(statement.args); i++) {
        statement.rest[i] = arena_strdup(room->arena, skip_spaces(rest));
        statement.args[i] = take_word(&rest);
        if (statement.args[i] != NULL)
            statement.arg_count++;
    }
    return statement;
}

static bool play_one(struct script_room *room, const char *text)
{
    struct statement statement = parse_statement(room, text);

    if (statement.sender == NULL)
        return true;
    if (strcmp(statement.sender, "signatures") == 0) {
        room->signatures_are_valid = strcmp(statement.verb, "on") == 0;
        return true;
    }
    return play_statement(room, &statement);
}

bool script_room_play(struct script_room *room, const char *script)
{
    while (*script != '\0') {
        size_t length = strcspn(script, ";");
        if (!play_one(room, arena_strndup(room->arena, script, length)))
            return false;
        script += length + (script[length] == ';');
    }
    return true;
}
