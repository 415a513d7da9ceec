/* Cutting the answer to send_join. */
#include "federation/receiver/join_answer.h"

#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

struct part {
    const char *name;
    struct json_span value; /* `bytes` is NULL where it was not told */
};

enum { EVENT, STATE, AUTH_CHAIN, SERVERS, MEMBERS_OMITTED, PART_COUNT };

/* What one reads as the first and another as the last is no answer. */
static bool take(struct part parts[PART_COUNT], const struct json_member *member)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (!json_span_equals(member->name, parts[i].name))
            continue;
        if (parts[i].value.bytes != NULL)
            return false;
        parts[i].value = member->value;
    }
    return true;
}

static bool cut(struct json_span text, struct part parts[PART_COUNT])
{
    struct json_parts members;
    struct json_member member;

    json_parts_start(&members, text);
    while (members.close == '}' && json_parts_next(&members, &member)) {
        if (!take(parts, &member))
            return false;
    }
    return !members.failed && members.close == '\0';
}

static bool is_list(struct json_span part)
{
    return part.size > 0 && part.bytes[0] == '[';
}

enum errcode join_answer_read(struct arena *arena, const char *server_name, struct json_span text,
                              struct error *error, struct join_answer *out)
{
    struct part parts[PART_COUNT] = {
        [EVENT] = {.name = "event"},
        [STATE] = {.name = "state"},
        [AUTH_CHAIN] = {.name = "auth_chain"},
        [SERVERS] = {.name = "servers_in_room"},
        [MEMBERS_OMITTED] = {.name = "members_omitted"},
    };
    struct json_span event;

    if (!cut(text, parts))
        return fail(error, E_REMOTE, "%s answered to the join without a JSON object", server_name);
    if (!is_list(parts[STATE].value) || !is_list(parts[AUTH_CHAIN].value))
        return fail(error, E_REMOTE, "%s did not tell the room's state.", server_name);
    *out = (struct join_answer){
        .state = parts[STATE].value,
        .auth_chain = parts[AUTH_CHAIN].value,
        .servers = parts[SERVERS].value,
        .members_omitted = json_span_equals(parts[MEMBERS_OMITTED].value, "true"),
    };
    event = parts[EVENT].value;
    if (event.size == 0 || event.size > EVENT_TEXT_BYTES_MAX || event.bytes[0] != '{')
        return OK;
    if (json_parse_object(arena, event.bytes, event.size, error, &out->event) != OK)
        return fail(error, E_REMOTE, "%s answered to the join with a broken event", server_name);
    return OK;
}
