/* From state events to the summary of their room. */
#include "homeserver/rooms/follow_summary.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/membership.h"
#include "storage/room_summaries.h"

/* Spec: m.room.topic: the text/plain representation of the rich form, or the plain one. */
static const char *plain_topic(const json_t *content)
{
    json_t *texts = json_get_array(json_get_object(content, "m.topic"), "m.text"), *text;
    size_t i;

    json_array_foreach (texts, i, text) {
        const char *mimetype = json_get_string(text, "mimetype");
        if (mimetype == NULL || strcmp(mimetype, "text/plain") == 0)
            return json_get_string(text, "body");
    }
    return json_get_string(content, "topic");
}

static const char *name(const json_t *content)
{
    return json_get_string(content, "name");
}

static const char *canonical_alias(const json_t *content)
{
    const char *alias = json_get_string(content, "alias");

    return room_alias_is_valid(alias) ? alias : NULL;
}

static const char *avatar_url(const json_t *content)
{
    return json_get_string(content, "url");
}

static const char *history_visibility(const json_t *content)
{
    return json_get_string(content, "history_visibility");
}

static const char *guest_access(const json_t *content)
{
    return json_get_string(content, "guest_access");
}

static const char *encryption(const json_t *content)
{
    return json_get_string(content, "algorithm");
}

static const struct {
    const char *type;
    enum room_summary_text text;
    const char *(*read)(const json_t *content);
} texts[] = {
    {"m.room.name", SUMMARY_NAME, name},
    {"m.room.topic", SUMMARY_TOPIC, plain_topic},
    {"m.room.canonical_alias", SUMMARY_CANONICAL_ALIAS, canonical_alias},
    {"m.room.avatar", SUMMARY_AVATAR_URL, avatar_url},
    {"m.room.history_visibility", SUMMARY_HISTORY_VISIBILITY, history_visibility},
    {"m.room.guest_access", SUMMARY_GUEST_ACCESS, guest_access},
    {"m.room.encryption", SUMMARY_ENCRYPTION, encryption},
};

static void follow_join_rules(struct call *call, struct journal_entry *entry, int64_t room_nid,
                              const struct event *event)
{
    const char *const *rooms;
    size_t count = join_rules_allowed_rooms(call->arena, event, &rooms);

    room_summary_set_join_rule_in(entry, room_nid, json_get_string(event->content, "join_rule"),
                                  rooms, count);
}

void summary_follow_in(struct call *call, struct journal_entry *entry, int64_t room_nid,
                       const struct event *event)
{
    if (event->state_key == NULL || *event->state_key != '\0')
        return;
    if (strcmp(event->type, "m.room.create") == 0)
        room_summary_create_in(entry, room_nid, json_get_string(event->content, "type"));
    if (strcmp(event->type, "m.room.join_rules") == 0)
        follow_join_rules(call, entry, room_nid, event);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        size_t folded_length;
        if (strcmp(event->type, texts[i].type) != 0)
            continue;
        const char *value = texts[i].read(event->content);
        if (value != NULL && *value == '\0')
            value = NULL;
        const char *folded =
            value != NULL ? utf8_casefold(call->arena, value, strlen(value), &folded_length) : NULL;
        room_summary_set_in(entry, room_nid, texts[i].text, value, folded);
    }
}

void summary_clear_in(struct journal_entry *entry, int64_t room_nid, const char *type)
{
    if (strcmp(type, "m.room.join_rules") == 0)
        room_summary_set_join_rule_in(entry, room_nid, NULL, NULL, 0);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (strcmp(type, texts[i].type) == 0)
            room_summary_set_in(entry, room_nid, texts[i].text, NULL, NULL);
    }
}
