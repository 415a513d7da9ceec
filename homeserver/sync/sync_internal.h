#ifndef HOMESERVER_SYNC_SYNC_INTERNAL_H
#define HOMESERVER_SYNC_SYNC_INTERNAL_H

/* Shared by the files that write the sections of a /sync answer. */
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/visibility.h"
#include "homeserver/sync/notifier.h"
#include "homeserver/sync/sync.h"
#include "storage/events.h"
#include "storage/nids.h"

/* One answer on its way. */
struct sync {
    struct call *call;
    const struct sync_request *request;
    int64_t since; /* 0: initial */
    int64_t until; /* the newest committed position when it began */
    struct user_view view;
    struct account_data_row *account_data; /* what changed, of all rooms */
    size_t account_data_count;
    const struct device_memory *known; /* what need not be read again; NULL: nothing is known */
    struct told_members told;          /* those of earlier answers, and of this one */
    int64_t key_count_position;
    struct nid_list ignored; /* senders whose messages and invites are left out */
    struct nid_list unwanted_inviters;
    int64_t typing;                      /* the counter when it began */
    struct to_device_message *to_device; /* what this answer tells */
    size_t to_device_count;
    int64_t to_device_until; /* how far that is; before `until` when there is more */
    bool is_empty;           /* nothing was written that the client does not know */
};

/* One room of the answer. */
struct sync_room {
    struct room_reader reader;
    bool only_messages;          /* no receipt, presence or the like can have changed */
    int64_t other_change;        /* the newest position at which such a thing changed */
    bool all_state;              /* … whole, however much of it the client knows */
    bool is_full;                /* the client knows nothing of it yet: everything is new */
    int64_t since;               /* … up to which position it knows it otherwise */
    int64_t after;               /* the timeline begins after this position */
    int64_t limit;               /* of the timeline: sync_timeline_limit() */
    struct stored_event *events; /* the timeline, oldest first, visible ones only */
    size_t event_count;
    bool is_limited;            /* there are, or may be, events between `after` and the first */
    const char *const *senders; /* of the timeline: parallel to events */
    bool tells_summary;         /* these three: sync_load_heroes() */
    const char *const *heroes;  /* NULL when the room has a name of its own */
    size_t hero_count;
    struct client_events_list timeline; /* these two, ready to be written: sync_prepare_…() */
    struct client_events_list state;
    bool tells_state;       /* set before sync_prepare_states() */
    const char **corrected; /* user IDs: sync_load_corrected() */
    size_t corrected_count;
    const int64_t *state_nids;
    size_t state_nid_count;
};

/* A list of members of a JSON object: writes the comma where one is needed. */
void sync_begin_member(struct strbuf *out, const char *name);

/* What the filter says, or ten. */
int64_t sync_timeline_limit(const struct sync *sync);

/* sync_timeline.c: fills the timelines of rooms with their readers set, in one query. */
enum errcode sync_load_timelines(struct sync *sync, struct sync_room *rooms,
                                 size_t count) MUST_CHECK;
/* Fetches what the timelines need to be written, for all rooms at once. */
enum errcode sync_prepare_timelines(struct sync *sync, struct sync_room *rooms,
                                    size_t count) MUST_CHECK;
/* Appends `"timeline":{…}`. */
enum errcode sync_write_timeline(struct sync *sync, const struct sync_room *room,
                                 struct strbuf *out) MUST_CHECK;

/* sync_state.c: finds and fetches the state of those rooms that tell it. */
enum errcode sync_prepare_states(struct sync *sync, struct sync_room *rooms,
                                 size_t count) MUST_CHECK;
/* Members that a lazily loading client is told, whoever speaks: while not all were known, events
 * named them, and when all were there some had turned out to be something else. */
enum errcode sync_load_corrected(struct sync *sync, struct sync_room *room) MUST_CHECK;
bool sync_is_corrected(const struct sync_room *room, const char *user_id);
/* Appends `"state":{"events":[…]}` or its variant. */
enum errcode sync_write_state(struct sync *sync, const struct sync_room *room,
                              struct strbuf *out) MUST_CHECK;

/* The state the client has: that before the first event it has not seen; NULL (empty) when it knows
 * nothing. And that after the last event it is told. Borrowed from the call. */
struct state_map;
enum errcode sync_known_state(struct sync *sync, const struct sync_room *room,
                              struct state_map **out) MUST_CHECK;
enum errcode sync_state_at_end(struct sync *sync, const struct sync_room *room,
                               struct state_map **out) MUST_CHECK;

/* sync_summary.c: whom the rooms are named after, where the summary may have changed. After the
 * timelines are loaded, before the states are prepared: lazily loading clients are told of heroes.
 */
enum errcode sync_load_heroes(struct sync *sync, struct sync_room *rooms, size_t count) MUST_CHECK;
/* Appends `"summary":{…}` when it may have changed. */
void sync_write_summary(const struct sync_room *room, struct strbuf *out);

/* sync_account_data.c */
enum errcode sync_load_account_data(struct sync *sync) MUST_CHECK;
/* True when there is something to write for the room (ACCOUNT_DATA_GLOBAL: for the user). */
bool sync_has_account_data(const struct sync *sync, int64_t room_nid);
/* Appends `"account_data":{…}` when there is. */
enum errcode sync_write_account_data(struct sync *sync, int64_t room_nid, const char *room_id,
                                     struct strbuf *out) MUST_CHECK;

/* Appends one row as an event, after a comma when something `precedes`. */
void sync_write_account_row(const struct account_data_row *row, bool precedes, struct strbuf *out);

/* sync_ephemeral.c: typing and receipts. */
struct receipt;
struct receipt_list {
    struct receipt *items; /* ordered by room */
    size_t count;
};
bool sync_typing_changed(const struct sync *sync, int64_t room_nid);
enum errcode sync_load_receipts(struct sync *sync, const struct sync_room *rooms, size_t count,
                                struct receipt_list *out) MUST_CHECK;
/* Appends the m.receipt event of the room; false when there is nothing to tell. */
bool sync_write_receipts(struct sync *sync, const struct sync_room *room,
                         const struct receipt_list *receipts, struct strbuf *out);
/* Appends the m.typing event of the room. */
void sync_write_typing(struct sync *sync, int64_t room_nid, struct strbuf *out);
/* Appends `"ephemeral":{…}` when there is anything. */
enum errcode sync_write_ephemeral(struct sync *sync, const struct sync_room *room,
                                  const struct receipt_list *receipts,
                                  struct strbuf *out) MUST_CHECK;

/* sync_unread.c: counts of the rooms whose counts may have changed. */
struct unread_count;
struct unread_list {
    struct nid_list rooms; /* that were counted */
    struct unread_count *items;
    size_t count;
};
enum errcode sync_load_unread(struct sync *sync, const struct sync_room *rooms, size_t count,
                              const struct receipt_list *receipts,
                              struct unread_list *out) MUST_CHECK;
/* The sums over all threads of a room; false when the room was not counted. */
bool sync_unread_totals(const struct unread_list *unread, int64_t room_nid, int64_t *notifications,
                        int64_t *highlights);
/* Appends `"unread_notifications":{…}` and, when the filter asks, those of threads. */
void sync_write_unread(const struct sync *sync, const struct sync_room *room,
                       const struct unread_list *unread, struct strbuf *out);

/* sync_memory.c: what an earlier sync of the device found out, and what this one did. */
void sync_recall(struct sync *sync);
void sync_remember(struct sync *sync, const char *key_counts);
/* The same for member events that are loaded lazily: whether the client has this one, that it gets
 * it now, and that the answer goes out. */
void sync_recall_told(struct sync *sync);
bool sync_was_told(const struct sync *sync, int64_t event_nid);
void sync_tell(struct sync *sync, int64_t event_nid);
void sync_remember_told(struct sync *sync);

/* sync_presence.c: appends `"presence":{…}` when somebody's changed. */
enum errcode sync_write_presence(struct sync *sync, struct strbuf *out) MUST_CHECK;

/* sync_encryption.c: appends `"device_lists":{…}` when there is anything, and the counts of the
 * device's keys in any case. */
enum errcode sync_write_device_lists(struct sync *sync, struct strbuf *out) MUST_CHECK;
enum errcode sync_write_key_counts(struct sync *sync, struct strbuf *out) MUST_CHECK;

/* sync_to_device.c: reads the next messages and deletes the acknowledged ones; appends
 * `"to_device":{…}` when there are any. */
enum errcode sync_load_to_device(struct sync *sync) MUST_CHECK;
void sync_write_to_device(struct sync *sync, struct strbuf *out);
/* Appends `"events":[…]`. */
void sync_write_to_device_events(struct sync *sync, struct strbuf *out);

/* sync_rooms.c: which rooms the answer speaks of; appends `"rooms":{…}` when there are any. */
enum errcode sync_write_rooms(struct sync *sync, struct strbuf *out) MUST_CHECK;

/* sync_joined.c, sync_left.c, sync_invited.c: appends the members of one section. */
struct sync_selection {
    const struct user_room **rooms;
    size_t count;
};
enum errcode sync_write_joined(struct sync *sync, struct sync_selection joined,
                               struct strbuf *out) MUST_CHECK;
enum errcode sync_write_left(struct sync *sync, struct sync_selection left,
                             struct strbuf *out) MUST_CHECK;
/* Invites and knocks: `"invite"` with `invite_state`, `"knock"` with `knock_state`. */
enum errcode sync_write_invited(struct sync *sync, struct sync_selection invited,
                                const char *state_name, struct strbuf *out) MUST_CHECK;

/* Appends the room's stripped state as it was when the invite or knock was made, and that event
 * itself, separated by commas. */
enum errcode sync_write_stripped(struct sync *sync, const struct membership_row *row,
                                 struct strbuf *out) MUST_CHECK;

/* Loads whose invites are not shown, of these rooms. */
enum errcode sync_load_unwanted_inviters(struct sync *sync, struct sync_selection rooms) MUST_CHECK;
bool sync_shows_invite(const struct sync *sync, const struct membership_row *row);

/* True when the timeline holds a state event of this type. */
bool sync_timeline_has_type(const struct sync *sync, const struct sync_room *room,
                            const char *type);

#endif
