/*
 * Power levels, with the spellings that older room versions allow.
 *
 * Only the `users` of an m.room.power_levels event are checked by the auth rules of v1 to v9; any
 * other level may hold nonsense, which counts as absent.
 */
#include "homeserver/protocol/power_levels.h"

#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

enum {
    USERS_DEFAULT = 0,
    EVENTS_DEFAULT = 0,
    STATE_DEFAULT = 50,
    NOTIFICATIONS_DEFAULT = 50,
    CREATOR_WITHOUT_EVENT = 100,
};

/* One below infinity: a level that came from an event never equals a creator's. */
static const int64_t level_max = POWER_LEVEL_INFINITE - 1;

static const struct {
    const char *key;
    int64_t default_level;
} actions[] = {
    [POWER_BAN] = {"ban", 50},
    [POWER_INVITE] = {"invite", 0},
    [POWER_KICK] = {"kick", 50},
    [POWER_REDACT] = {"redact", 50},
};

struct power_levels power_levels_of(const struct room_version *version, const struct event *create,
                                    const struct event *power_levels_event)
{
    return (struct power_levels){
        .version = version,
        .create = create,
        .content = power_levels_event != NULL ? power_levels_event->content : NULL,
    };
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "a single base 10 integer … any number of leading zeroes … optionally prefixed with a single -
 * or + … any number of leading or trailing whitespace". */
static bool parse_text(const char *text, int64_t *out)
{
    int64_t value = 0;
    size_t digits = 0;

    while (is_space(*text))
        text++;
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        int digit = *text - '0';
        value = value > (level_max - digit) / 10 ? level_max : value * 10 + digit;
    }
    while (is_space(*text))
        text++;
    if (digits == 0 || *text != '\0')
        return false;
    *out = negative ? -value : value;
    return true;
}

static int64_t truncate_float(double value)
{
    /* 2^62 is exact as a double; anything beyond is out of reach for real levels. */
    const double limit = 4611686018427387904.0;

    if (value >= limit)
        return level_max;
    if (value <= -limit)
        return -level_max;
    return (int64_t)value;
}

static int64_t clamp(int64_t value)
{
    if (value > level_max)
        return level_max;
    return value < -level_max ? -level_max : value;
}

bool power_level_parse(const struct room_version *version, const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = clamp(json_integer_value(value));
        return true;
    }
    if (json_is_real(value) && version->float_power_levels) {
        *out = truncate_float(json_real_value(value));
        return true;
    }
    const char *text = json_text(value);
    return text != NULL && !version->integer_power_levels && parse_text(text, out);
}

static int64_t level_or(const struct power_levels *levels, const json_t *object, const char *key,
                        int64_t fallback)
{
    int64_t level = fallback;

    if (!power_level_parse(levels->version, json_object_get(object, key), &level))
        return fallback;
    return level;
}

static bool is_additional_creator(const struct event *create, const char *user_id)
{
    const json_t *creators = json_get_array(create->content, "additional_creators");

    for (size_t i = 0; i < json_array_size(creators); i++) {
        const char *creator = json_text(json_array_get(creators, i));
        if (creator != NULL && strcmp(creator, user_id) == 0)
            return true;
    }
    return false;
}

bool room_is_created_by(const struct room_version *version, const struct event *create,
                        const char *user_id)
{
    if (create == NULL)
        return false;

    const char *creator =
        version->creator_in_content ? json_get_string(create->content, "creator") : create->sender;
    if (creator != NULL && strcmp(creator, user_id) == 0)
        return true;
    return version->privileged_creators && is_additional_creator(create, user_id);
}

bool power_levels_name_a_creator(const json_t *content, const struct event *create)
{
    json_t *users = json_get_object(content, "users"), *level;
    const char *user_id;

    json_object_foreach (users, user_id, level) {
        if (strcmp(user_id, create->sender) == 0 || is_additional_creator(create, user_id))
            return true;
    }
    return false;
}

int64_t power_levels_user(const struct power_levels *levels, const char *user_id)
{
    bool is_creator = (levels->version->privileged_creators || levels->content == NULL) &&
                      room_is_created_by(levels->version, levels->create, user_id);

    if (is_creator && levels->version->privileged_creators)
        return POWER_LEVEL_INFINITE;
    if (levels->content == NULL)
        return is_creator ? CREATOR_WITHOUT_EVENT : USERS_DEFAULT;

    int64_t users_default = level_or(levels, levels->content, "users_default", USERS_DEFAULT);
    return level_or(levels, json_get_object(levels->content, "users"), user_id, users_default);
}

int64_t power_levels_send(const struct power_levels *levels, const char *type, bool is_state)
{
    int64_t fallback = is_state
                           ? level_or(levels, levels->content, "state_default", STATE_DEFAULT)
                           : level_or(levels, levels->content, "events_default", EVENTS_DEFAULT);

    return level_or(levels, json_get_object(levels->content, "events"), type, fallback);
}

int64_t power_levels_action(const struct power_levels *levels, enum power_action action)
{
    return level_or(levels, levels->content, actions[action].key, actions[action].default_level);
}

int64_t power_levels_notification(const struct power_levels *levels, const char *key)
{
    return level_or(levels, json_get_object(levels->content, "notifications"), key,
                    NOTIFICATIONS_DEFAULT);
}
