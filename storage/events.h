#ifndef STORAGE_EVENTS_H
#define STORAGE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

/* The event graph as rows. Bodies are the exact canonical bytes (I2). */
enum event_flag {
    EVENT_REJECTED = 1,    /* failed its auth rules: never shown, kept for those who refer to it */
    EVENT_SOFT_FAILED = 2, /* not shown, not built upon, counts in state resolution */
    EVENT_OUTLIER = 4,     /* the state before it is not known */
    EVENT_NOTIFIES = 8,    /* the shared default push rules notify everybody in the room */
    EVENT_HIGHLIGHTS = 16, /* … with a highlight (@room, tombstone) */
    EVENT_IN_THREAD = 32,  /* belongs to a thread: counts apart from the main timeline */
    EVENT_SOUNDS = 64,     /* EVENT_NOTIFIES … with the default sound (rooms of two) */
    EVENT_RINGS = 128,     /* … with the sound of a call */
    EVENT_JUMP = 256,      /* the room's state did not simply follow: see storage/room_jumps.h */
    EVENT_BUMPS = 512,     /* is activity that people see in a list of rooms (MSC4186) */
    EVENT_GAP = 1024,      /* what it was built on was not here when it came: a timeline begins */
    EVENT_REDACTED = 2048, /* nothing is left that anybody should be notified of */
    EVENT_SENT = 4096,     /* by the server that let it happen: it is not ours to tell others */
};

/* What an event does for single users, as it was written with it. */
struct personal_action {
    int64_t user_nid;
    unsigned flags; /* enum push_flag, instead of what the event's own flags say */
};
struct event_effects {
    const char *thread;                     /* the root's event ID; NULL: the main timeline */
    const struct personal_action *personal; /* ordered by user */
    size_t personal_count;
    /* The client's transaction ID; NULL: none. */
    const char *transaction_id;
    const char *transaction_device_id;
};

/* NULL when the event does nothing special for this user. */
const struct personal_action *event_effects_for(const struct event_effects *effects,
                                                int64_t user_nid);

struct stored_event {
    int64_t event_nid;
    int64_t room_nid;
    int64_t position;
    int64_t depth;
    int64_t origin_server_ts; /* ms */
    int64_t snapshot_nid;     /* state before the event; 0 when not known */
    int64_t sender_nid;
    int64_t state_key_nid;   /* 0 unless it is a state event */
    int64_t replaces_nid;    /* the state event it took the place of; 0: none */
    int64_t redacted_by_nid; /* 0 unless redacted: then `json` is the redacted form */
    unsigned flags;          /* enum event_flag */
    const char *event_id;
    const char *json; /* canonical, federation form */
    size_t json_size;
    const struct event_effects *effects; /* NULL: not known, see the tables */
};

/* The room's head after an event: what the next event is built on. */
struct stored_head {
    int64_t version;
    int64_t snapshot_nid;
    int64_t depth;
    int64_t last_position;
    const char *extremities; /* event IDs separated by newlines */
    /* Not moved by events: see storage/partial_state_rooms.h. */
    bool is_partial;            /* the state lacks members */
    int64_t completed_position; /* when it ceased to; 0: never did */
};

/* For journal_entry_set_event(): one row, and how it moves the head. `event.position` is assigned
 * by the journal. When `head.version` is 0 the head stays as it is (outliers, history). */
struct new_event {
    struct stored_event event;
    int64_t expected_head_version;
    struct stored_head head;
};

/* M_NOT_FOUND when there is no such event. With the body. */
enum errcode event_load(struct db *db, struct arena *arena, int64_t event_nid,
                        struct stored_event *out) MUST_CHECK;
enum errcode event_load_by_id(struct db *db, struct arena *arena, const char *event_id,
                              struct stored_event *out) MUST_CHECK;

/* Those that exist, with bodies, in the order of their positions. */
enum errcode events_load(struct db *db, struct arena *arena, const int64_t *event_nids,
                         size_t count, struct stored_event **out, size_t *count_out) MUST_CHECK;
enum errcode events_load_by_ids(struct db *db, struct arena *arena, const char *const *event_ids,
                                size_t count, struct stored_event **out,
                                size_t *count_out) MUST_CHECK;
/* Only the IDs of those that exist, in no order. */
enum errcode event_ids_load(struct db *db, struct arena *arena, const int64_t *event_nids,
                            size_t count, const char ***out, size_t *count_out) MUST_CHECK;

/* The numbers of those events of the room that are known, in the same order; 0 for the others. */
enum errcode event_nids_find(struct db *db, struct arena *arena, int64_t room_nid,
                             const char *const *event_ids, size_t count,
                             int64_t *nids_out) MUST_CHECK;

/* Up to `limit` visible events of the timeline with after < position <= until, oldest first
 * (newest first when `backwards`). Rejected, soft-failed and outlier events are not among them.
 * The range ends at the first gap of the room's history (storage/history_gaps.h). */
struct event_range {
    int64_t room_nid;
    int64_t after;
    int64_t until;
    int64_t limit;
    bool backwards;
    bool over_gaps; /* does not end there */
};
enum errcode events_in_range(struct db *db, struct arena *arena, const struct event_range *range,
                             struct stored_event **out, size_t *count_out) MUST_CHECK;

/* Up to `limit` timeline events after (ts, position) in the order of origin_server_ts, the closest
 * first; with `backwards` before it. Begin with a position of INT64_MIN, or INT64_MAX backwards:
 * then events of just this time are among them. Gaps are no obstacle. */
struct timestamp_search {
    int64_t room_nid;
    int64_t ts;
    int64_t position;
    int64_t limit;
    bool backwards;
};
enum errcode events_closest_to_timestamp(struct db *db, struct arena *arena,
                                         const struct timestamp_search *search,
                                         struct stored_event **out, size_t *count_out) MUST_CHECK;

/* The part of `events`, which are ordered by room_nid, that is in the room. */
struct stored_event *events_part_of_room(struct stored_event *events, size_t count,
                                         int64_t room_nid, size_t *count_out);

/* Timeline events of one state key, by room and oldest first: how a piece of state went by. */
enum errcode events_of_state_key(struct db *db, struct arena *arena, struct nid_list room_nids,
                                 int64_t state_key_nid, struct stored_event **out,
                                 size_t *count_out) MUST_CHECK;

/* Everything that is stored of a room, rejected events and outliers too: up to `limit` rows after
 * (position, event_nid), in that order. Begin with (INT64_MIN, 0). */
struct event_place {
    int64_t room_nid;
    int64_t position;
    int64_t event_nid;
    int64_t limit;
};
enum errcode events_of_whole_room(struct db *db, struct arena *arena,
                                  const struct event_place *after, struct stored_event **out,
                                  size_t *count_out) MUST_CHECK;

/* The events of the timeline from `position` on, and all beside it whose state before them is
 * known; rejected and soft-failed ones too. In order of position. */
enum errcode events_since(struct db *db, struct arena *arena, int64_t room_nid, int64_t position,
                          struct stored_event **out, size_t *count_out) MUST_CHECK;

/* Adds to a journal entry: events got another state before them, and were judged again by it. */
struct event_verdict {
    int64_t event_nid;
    int64_t snapshot_nid;
    int64_t replaces_nid; /* 0: none */
    unsigned flags;       /* enum event_flag: all of them */
};
struct journal_entry;
void events_rejudge_in(struct journal_entry *entry, const struct event_verdict *verdicts,
                       size_t count);

/* The last visible events of many rooms, each with after < position <= until, ordered by room and
 * position. `after` and `limits` are parallel to `room_nids`. */
struct rooms_range {
    struct nid_list room_nids;
    const int64_t *after;
    const int64_t *limits;
    int64_t until;
};
enum errcode events_of_rooms(struct db *db, struct arena *arena, const struct rooms_range *range,
                             struct stored_event **out, size_t *count_out) MUST_CHECK;

/* Adds to a journal entry: replaces the body of `target_nid` by its redacted form. */
void event_redact_in(struct journal_entry *entry, int64_t target_nid, int64_t redaction_nid,
                     const char *redacted_json, size_t size);

/* Adds to a journal entry: takes away the rows of an outlier, so that the same entry can store the
 * event, under the same number, as one whose state is known. */
void event_drop_outlier_in(struct journal_entry *entry, int64_t event_nid);

/* Adds to a journal entry: many events beside the timeline (position 0), in two statements. */
void events_add_many_in(struct journal_entry *entry, const struct stored_event *events,
                        size_t count);

/* Positions for history that is fetched later; negative, growing downwards. `*first_out` is the
 * highest of `count` consecutive ones. */
enum errcode history_positions_take(struct db *db, struct arena *arena, int64_t count,
                                    int64_t *first_out) MUST_CHECK;

/* For the journal alone: the statements of a batch. */
extern const struct db_statement events_insert_batch, room_heads_update_batch;

#endif
