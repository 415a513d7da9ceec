#ifndef HOMESERVER_SYNC_SLIDING_INTERNAL_H
#define HOMESERVER_SYNC_SLIDING_INTERNAL_H

/* Shared by the files that write the parts of a sliding sync answer. */
#include "homeserver/protocol/sliding_memory.h"
#include "homeserver/sync/sliding.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/sliding_rooms.h"

struct account_data_row;

/* A room that the client is looking at. */
struct sliding_item {
    const struct sliding_match *match;
    const struct sliding_known *known; /* what it was told; NULL: nothing */
    const struct user_room *info;
    const char *wanted; /* sliding_wanted_format() */
    bool has_news;      /* something about it may be new to the client */
    bool is_initial;
    bool is_expanded; /* its timeline goes back behind what was told */
    bool was_told;    /* it is in the answer */
    bool is_withheld; /* until its members are known */
    struct sync_room room;
    int64_t bump; /* 0: not looked up */
};

/* One answer on its way. `sync` is what the sections shared with /sync work on. */
struct sliding {
    struct sync sync;
    const struct sliding_question *question;
    bool is_new; /* no `pos` */
    struct sliding_memory told_before;
    struct sliding_memory told; /* the same rooms; `extensions` with those of this answer */
    struct listed_room *listed; /* the rooms of `sync.view`, ordered by room_nid */
    size_t listed_count;
    struct sliding_window window;
    struct sliding_item *items; /* one for each match */
    size_t item_count;
    struct receipt_list receipts;
    int64_t account_data_since;                  /* what `sync.account_data` begins after */
    struct account_data_row *older_account_data; /* of rooms that are behind the connection */
    size_t older_account_data_count;
};

/* Up to where the client was told of a room: 0 for nothing. */
int64_t sliding_since(const struct sliding *sliding, const struct sliding_known *known);

/* sliding_facts.c: the rooms of the user, as lists see them. */
enum errcode sliding_load_rooms(struct sliding *sliding, struct sliding_room **out,
                                size_t *count_out) MUST_CHECK;
const struct listed_room *sliding_listed(const struct sliding *sliding, int64_t room_nid);

/* sliding_rooms.c: which rooms may have something to tell; appends `"rooms":{…}`. */
enum errcode sliding_write_rooms(struct sliding *sliding, struct strbuf *out) MUST_CHECK;
/* What was told of each room after this answer. */
struct sliding_memory sliding_remember(struct sliding *sliding);

/* sliding_room.c: appends a room's members, or nothing when there is nothing new. */
enum errcode sliding_write_room(struct sliding *sliding, struct sliding_item *item,
                                const struct unread_list *unread, struct strbuf *out) MUST_CHECK;
enum errcode sliding_write_invited(struct sliding *sliding, struct sliding_item *item,
                                   struct strbuf *out) MUST_CHECK;

/* sliding_state.c: which state the client is to be told. */
struct sliding_state {
    int64_t *event_nids; /* ordered as they were found */
    size_t count;
    struct state_key_pair *deleted;
    size_t deleted_count;
    bool name_changed, avatar_changed;
};
enum errcode sliding_select_state(struct sliding *sliding, struct sliding_item *item,
                                  struct sliding_state *out) MUST_CHECK;
/* Appends `"required_state":[…]` when there is any. */
enum errcode sliding_write_state(struct sliding *sliding, struct sliding_item *item,
                                 const struct sliding_state *state, struct strbuf *out) MUST_CHECK;

/* sliding_extensions.c: what several of them need; before anything is written. */
enum errcode sliding_load_extensions(struct sliding *sliding) MUST_CHECK;
/* Appends `"extensions":{…}`. */
enum errcode sliding_write_extensions(struct sliding *sliding, struct strbuf *out) MUST_CHECK;

#endif
