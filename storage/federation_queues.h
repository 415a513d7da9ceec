#ifndef STORAGE_FEDERATION_QUEUES_H
#define STORAGE_FEDERATION_QUEUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/presence.h"
#include "storage/receipts.h"

struct arena;
struct db;
struct journal_entry;

/*
 * What our domains have to tell other servers: positions in the journal, see
 * migrations/0021_federation.sql.
 */
struct federation_queue {
    const char *origin;      /* a hosted domain */
    const char *server_name; /* another server */
    int64_t sent_position;
    int64_t wanted_position;
};

/* Only one process sends at a time. The lock belongs to the session, and is free when that dies. */
enum errcode federation_sender_lock(struct db *db, struct arena *arena, bool *out) MUST_CHECK;

/* Up to where the journal was looked through; perhaps more was looked through since, in vain. */
enum errcode federation_scan_position(struct db *db, struct arena *arena, int64_t *out) MUST_CHECK;

/* Looks through the journal for what concerns servers other than `hosted`, and moves their queues.
 * Those that have something to send are returned. */
struct federation_scan {
    int64_t after;
    int64_t until;
    bool is_saved;  /* `until` is written down in any case */
    int64_t now_ms; /* since when what is found waits */
    const char *const *hosted;
    size_t hosted_count;
};
enum errcode federation_queues_scan(struct db *db, struct arena *arena,
                                    const struct federation_scan *scan,
                                    struct federation_queue **out, size_t *count_out) MUST_CHECK;

/* All that have something to send: after a start. */
enum errcode federation_queues_waiting(struct db *db, struct arena *arena,
                                       struct federation_queue **out, size_t *count_out) MUST_CHECK;

/* Everything up to this position is delivered, or need not be. */
struct federation_progress {
    int64_t position;
    int64_t taken_ts;  /* when the other server took a transaction; 0: nothing was sent */
    int64_t newest_ts; /* what still waits is no older than this; 0: not known */
};
enum errcode federation_queue_sent(struct db *db, const struct federation_queue *queue,
                                   const struct federation_progress *progress) MUST_CHECK;

/* A part of a queue: after < position <= until, at most `limit` rows, in order of position. */
struct federation_part {
    const struct federation_queue *queue;
    int64_t after;
    int64_t until;
    int64_t limit;
};

struct federation_pdu {
    int64_t position;
    const char *json; /* canonical, federation form */
    size_t json_size;
    int64_t origin_server_ts;
};
enum errcode federation_pdus_load(struct db *db, struct arena *arena,
                                  const struct federation_part *part, struct federation_pdu **out,
                                  size_t *count_out) MUST_CHECK;

struct federation_edu {
    int64_t position;
    const char *json;
};
enum errcode federation_outbox_load(struct db *db, struct arena *arena,
                                    const struct federation_part *part, struct federation_edu **out,
                                    size_t *count_out) MUST_CHECK;

/* Users whose devices or keys changed, each once with its newest change. */
struct federation_device_change {
    int64_t position;
    const char *user_id;
    const char *device_id; /* one of the user's devices; "" when there is none */
};
enum errcode federation_device_changes_load(struct db *db, struct arena *arena,
                                            const struct federation_part *part,
                                            struct federation_device_change **out,
                                            size_t *count_out) MUST_CHECK;

/* Of our users who are joined to the room: those whose devices or keys changed at `after` or later,
 * once for each of the servers that may hear of it. `here` are in the room; of `gone` only those
 * that share another room with the user. In order of user ID. */
struct missed_changes_query {
    int64_t room_nid;
    int64_t since;
    const char *const *here;
    size_t here_count;
    const char *const *gone;
    size_t gone_count;
};
struct missed_device_change {
    struct federation_device_change change;
    const char *server_name;
};
enum errcode federation_missed_changes_load(struct db *db, struct arena *arena,
                                            const struct missed_changes_query *query,
                                            struct missed_device_change **out,
                                            size_t *count_out) MUST_CHECK;

/* The newest change of a user's devices or keys, for those of the servers that were in a room with
 * the user once and are in none any more: what they know may be old. */
struct lost_servers_query {
    int64_t user_nid;
    const char *const *servers;
    size_t server_count;
};
enum errcode federation_lost_servers_load(struct db *db, struct arena *arena,
                                          const struct lost_servers_query *query,
                                          struct missed_device_change **out,
                                          size_t *count_out) MUST_CHECK;

/* `room_id` is filled beside the receipt. */
struct federation_receipt {
    const char *room_id;
    const char *user_id;
    const char *event_id;
    const char *thread;
    int64_t ts;
};
enum errcode federation_receipts_load(struct db *db, struct arena *arena,
                                      const struct federation_part *part,
                                      struct federation_receipt **out,
                                      size_t *count_out) MUST_CHECK;

enum errcode federation_presence_load(struct db *db, struct arena *arena,
                                      const struct federation_part *part, struct presence_row **out,
                                      size_t *count_out) MUST_CHECK;

/* Adds to a journal entry: an EDU (JSON text) for one server alone; one per server and entry. */
void federation_outbox_add_in(struct journal_entry *entry, const char *origin,
                              const char *server_name, const char *edu);

/* Adds to a journal entry after that of the event, made by a user of another server: it is passed
 * on to the servers in the room, in the name of this hosted domain. */
void federation_forward_in(struct journal_entry *entry, int64_t event_nid, const char *origin);

/* Other servers with users joined to the room, and the hosted domains with users in it. */
enum errcode federation_servers_in_room(struct db *db, struct arena *arena, int64_t room_nid,
                                        const char ***out, size_t *count_out) MUST_CHECK;

#endif
