#ifndef HOMESERVER_ROOMS_ROOM_SERVICE_H
#define HOMESERVER_ROOMS_ROOM_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "homeserver/rooms/room_head.h"
#include "storage/nids.h"
#include "storage/state_keys.h"

/*
 * The rooms of this process: which are loaded, their heads, and what all rooms share.
 * A room object is borrowed from the call that opened it and stays valid until the call's arena is
 * reset.
 */
struct room_service;
struct room;

/* The signing key of a hosted domain. */
struct domain_key {
    const char *server_name;
    struct signing_key key;
};

/* Keys are copied. `rooms_max` loaded rooms are kept. */
struct room_service *room_service_create(const struct domain_key *keys, size_t key_count,
                                         size_t rooms_max);
void room_service_destroy(struct room_service *service);

struct nid_source *room_service_nids(struct room_service *service);
struct state_keys *room_service_state_keys(struct room_service *service);
struct event_cache *room_service_events(struct room_service *service);
struct cache *room_service_snapshots(struct room_service *service);
struct cache *room_service_remote_rooms(struct room_service *service); /* remote_rooms.h */

/* NULL when the domain is not hosted here. */
const struct signing_key *room_service_signing_key(const struct room_service *service,
                                                   const char *server_name);

/* M_NOT_FOUND when this server does not know the room. */
enum errcode room_open(struct call *call, const char *room_id, struct room **out) MUST_CHECK;
enum errcode room_open_by_nid(struct call *call, int64_t room_nid, struct room **out) MUST_CHECK;

/* A room that is being created: not known to anybody until its first event is committed. */
struct room *room_prepare(struct call *call, int64_t room_nid, const char *room_id,
                          const struct room_version *version);

int64_t room_nid(const struct room *room);
const char *room_id(const struct room *room);
const struct room_version *room_version_of(const struct room *room);

/* The head that readers may see: everything in it is committed. Borrowed from the call. */
enum errcode room_committed_head(struct call *call, struct room *room,
                                 struct room_head **out) MUST_CHECK;

/*
 * Building events. Between begin and end this thread alone builds in this room; other threads may
 * read. Use: SCOPED(room_build_end) struct room_build build = {0}; TRY(room_build_begin(…));
 * The head is that of everything handed to the journal so far, committed or not.
 */
struct room_build {
    struct room *room;
    struct room_head *head; /* borrowed; replaced by room_build_advance() */
    uint64_t generation;
    /* Entries that wait until all of them are built; NULL: each is submitted when it is. */
    struct held_entries *held;
};
enum errcode room_build_begin(struct call *call, struct room *room,
                              struct room_build *build) MUST_CHECK;
void room_build_end(struct room_build *build);

/* Makes `head_owned`, made by `event`, the head that the next event builds on, and tells the
 * journal entry to report its fate here: a commit makes it the readers' head, a failure drops all
 * that was built on it. E_CONFLICT when the room was reset meanwhile; then nothing was changed. */
struct journal_entry;
enum errcode room_build_advance(struct room_build *build, struct room_head *head_owned,
                                struct cached_event *event, struct journal_entry *entry) MUST_CHECK;

/* All or nothing: from here on entries are held back, until room_build_submit(); when the build
 * ends before that, they are abandoned. On the call's arena. */
void room_build_hold(struct call *call, struct room_build *build);
void room_build_submit(struct call *call, struct room_build *build);

/* Hands an entry to the journal, or holds it back. */
void room_build_add(struct call *call, struct room_build *build, struct journal_entry *entry_owned);

/* Waits until the database has all that was built before this call, by anybody. */
enum errcode rooms_flush(struct call *call) MUST_CHECK;

/* Finds the events that a head keeps at hand in its state. */
enum errcode room_head_load_events(struct call *call, const struct room *room,
                                   struct room_head *head) MUST_CHECK;

/* For the journal's listener: another node wrote to these rooms (or to any, when `room_nids` is
 * NULL); loaded heads are dropped. */
void rooms_forget_heads(struct room_service *service, const int64_t *room_nids, size_t count);

#endif
