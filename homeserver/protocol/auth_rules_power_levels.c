/* Rule 10: m.room.power_levels. Spec: "Authorisation rules" of each room version page. */
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_rules_internal.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

static const char *const scalar_levels[] = {
    "users_default", "events_default", "state_default", "ban", "redact", "kick", "invite",
};

/* 10.1 (since v10) If any of the scalar levels are present and not an integer, reject. */
static bool check_scalars_are_integers(struct auth_check *check)
{
    for (size_t i = 0; i < COUNT_OF(scalar_levels); i++) {
        const json_t *value = json_object_get(check->event->content, scalar_levels[i]);
        if (value != NULL && !json_is_integer(value))
            return refuse(check, "a power level is not an integer (rule 10.1)");
    }
    return true;
}

/* True when it is absent, or an object of nothing but levels. */
static bool is_object_of_levels(const struct auth_check *check, const char *key)
{
    json_t *object = json_object_get(check->event->content, key);
    const char *name;
    json_t *value;
    int64_t level;

    if (object == NULL)
        return true;
    if (!json_is_object(object))
        return false;
    json_object_foreach (object, name, value) {
        if (!power_level_parse(check->event->version, value, &level))
            return false;
    }
    return true;
}

/* Looser than elsewhere: whoever refuses more spellings of user IDs here than the rest of the
 * federation does ends up in another room than everybody else. */
static bool looks_like_user_id(const char *key)
{
    return key[0] == '@' && strchr(key, ':') != NULL;
}

static bool names_only_user_ids(const struct auth_check *check)
{
    json_t *users = json_get_object(check->event->content, "users");
    const char *user_id;
    json_t *value;

    json_object_foreach (users, user_id, value) {
        if (!looks_like_user_id(user_id))
            return false;
    }
    return true;
}

/* Rules 10.1 to 10.4: the form of the new event. */
static bool check_form(struct auth_check *check)
{
    const struct room_version *version = check->event->version;

    if (version->integer_power_levels) {
        if (!check_scalars_are_integers(check))
            return false;
        /* 10.2 (since v10) If `events` or `notifications` are present and not an object with
         * values that are integers, reject. */
        if (!is_object_of_levels(check, "events") || !is_object_of_levels(check, "notifications"))
            return refuse(check, "a power level is not an integer (rule 10.2)");
    }

    /* 10.3 If the `users` property is not an object with keys that are valid user IDs with values
     * that are integers (before v10: or a string that is an integer), reject. */
    if (!is_object_of_levels(check, "users") || !names_only_user_ids(check))
        return refuse(check, "`users` is not an object of user IDs and levels (rule 10.3)");

    /* 10.4 (since v12) If `users` contains the `sender` of the m.room.create event or any of the
     * `additional_creators`, reject. */
    if (version->privileged_creators &&
        power_levels_name_a_creator(check->event->content, check->create))
        return refuse(check, "the level of a creator can not be set (rule 10.4)");
    return true;
}

/* One level before and after. */
struct alteration {
    bool was_there;
    bool is_there;
    int64_t old_level;
    int64_t new_level;
};

static bool is_altered(const struct auth_check *check, const json_t *old_value,
                       const json_t *new_value, struct alteration *out)
{
    const struct room_version *version = check->event->version;

    *out = (struct alteration){0};
    out->was_there = power_level_parse(version, old_value, &out->old_level);
    out->is_there = power_level_parse(version, new_value, &out->new_level);
    return out->was_there != out->is_there || out->old_level != out->new_level;
}

/* 10.6 For the scalar levels that were added, changed or removed. */
static bool check_scalars(struct auth_check *check, int64_t sender_level)
{
    struct alteration level;

    for (size_t i = 0; i < COUNT_OF(scalar_levels); i++) {
        const char *key = scalar_levels[i];
        if (!is_altered(check, json_object_get(check->levels.content, key),
                        json_object_get(check->event->content, key), &level))
            continue;
        /* 10.6.1 If the current value is higher than the sender's power level, reject. */
        if (level.was_there && level.old_level > sender_level)
            return refuse(check, "the sender can not change a higher level (rule 10.6.1)");
        /* 10.6.2 If the new value is higher than the sender's power level, reject. */
        if (level.is_there && level.new_level > sender_level)
            return refuse(check, "the sender can not set a higher level (rule 10.6.2)");
    }
    return true;
}

/* Judges one altered entry of an object of levels. */
typedef bool (*entry_rule)(struct auth_check *check, const char *key,
                           const struct alteration *level, int64_t sender_level);

/* 10.7.1 and 10.8.1: an entry of `events` or `notifications`. */
static bool check_event_entry(struct auth_check *check, UNUSED const char *key,
                              const struct alteration *level, int64_t sender_level)
{
    if (level->was_there && level->old_level > sender_level)
        return refuse(check, "the sender can not change a higher level (rule 10.7.1)");
    if (level->is_there && level->new_level > sender_level)
        return refuse(check, "the sender can not set a higher level (rule 10.8.1)");
    return true;
}

/* 10.9.1 and 10.10.1: an entry of `users`. */
static bool check_user_entry(struct auth_check *check, const char *key,
                             const struct alteration *level, int64_t sender_level)
{
    bool is_own = strcmp(key, check->event->sender) == 0;

    if (level->was_there && !is_own && level->old_level >= sender_level)
        return refuse(check, "the sender can not change a user of their rank (rule 10.9.1)");
    if (level->is_there && level->new_level > sender_level)
        return refuse(check, "the sender can not raise a user above themself (rule 10.10.1)");
    return true;
}

/* Applies a rule to all entries that differ between the old and the new object. */
static bool check_entries(struct auth_check *check, const char *property, entry_rule rule,
                          int64_t sender_level)
{
    json_t *old_object = json_get_object(check->levels.content, property);
    json_t *new_object = json_get_object(check->event->content, property);
    struct alteration level;
    const char *key;
    json_t *value;

    json_object_foreach (old_object, key, value) {
        if (is_altered(check, value, json_object_get(new_object, key), &level) &&
            !rule(check, key, &level, sender_level))
            return false;
    }
    json_object_foreach (new_object, key, value) {
        if (json_object_get(old_object, key) == NULL && is_altered(check, NULL, value, &level) &&
            !rule(check, key, &level, sender_level))
            return false;
    }
    return true;
}

bool auth_check_power_levels(struct auth_check *check)
{
    int64_t sender_level = power_levels_user(&check->levels, check->event->sender);

    if (!check_form(check))
        return false;

    /* 10.5 If there is no previous m.room.power_levels event in the room, allow. */
    if (check->levels.content == NULL)
        return true;

    /* 10.6 */
    if (!check_scalars(check, sender_level))
        return false;

    /* 10.7, 10.8 For `events` and (since v6) `notifications`. */
    if (!check_entries(check, "events", check_event_entry, sender_level))
        return false;
    if (check->event->version->notifications_in_power_levels &&
        !check_entries(check, "notifications", check_event_entry, sender_level))
        return false;

    /* 10.9, 10.10 For `users`. 10.11 Otherwise, allow. */
    return check_entries(check, "users", check_user_entry, sender_level);
}
