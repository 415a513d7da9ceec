/* From events to the words that they are found by. Spec: client-server API, "Server Side Search".
 */
#include "homeserver/rooms/follow_search.h"

#include <string.h>

#include "homeserver/base/utf8.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "storage/search.h"

static const struct {
    const char *type;
    const char *member;
    enum search_key key;
} found_by[] = {
    {"m.room.message", "body", SEARCH_BODY},
    {"m.room.name", "name", SEARCH_NAME},
    {"m.room.topic", "topic", SEARCH_TOPIC},
};

void search_follow_in(struct call *call, struct journal_entry *entry, const struct event *event,
                      int64_t room_nid, int64_t event_nid)
{
    for (size_t i = 0; i < COUNT_OF(found_by); i++) {
        size_t length;
        if (strcmp(event->type, found_by[i].type) != 0)
            continue;
        const char *text = json_get_string(event->content, found_by[i].member);
        if (text == NULL || *text == '\0')
            return;
        const struct searchable searchable = {
            .event_nid = event_nid,
            .room_nid = room_nid,
            .key = found_by[i].key,
            .text = utf8_casefold(call->arena, text, strlen(text), &length),
        };
        search_add_in(entry, &searchable);
        return;
    }
}
