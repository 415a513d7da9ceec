#ifndef HOMESERVER_APPSERVICE_SENDER_H
#define HOMESERVER_APPSERVICE_SENDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/appservice/appservices.h"
#include "homeserver/call.h"

/*
 * The transactions of each application service: at most one under way, its bytes in the database
 * until it is accepted. Belongs to the delivery's thread; only what `lock` protects is written by
 * the HTTP client's.
 */
struct sender_list;

enum { SENDER_TYPING_ROOMS_MAX = 100 };

struct sender {
    struct sender_list *list;
    char *id;
    const struct appservice *appservice; /* NULL: not configured any more */
    int64_t since_position;              /* what was before is not for it */
    int64_t txn_id;                      /* of the last transaction */
    int64_t txn_id_sent;                 /* which the answer that comes in is about */
    int64_t failures;
    int64_t next_try_ts;  /* ms since 1970 */
    bool has_transaction; /* one that is not accepted yet */
    bool has_waiting;     /* perhaps: something in the queue */
    bool is_under_way;
    bool uses_old_path;
    int64_t typing_rooms[SENDER_TYPING_ROOMS_MAX]; /* what is not told yet */
    size_t typing_room_count;

    /* Protected by the list's lock. */
    bool is_answered;
    bool wants_retry;
    enum errcode outcome;
    int status;
    char why[160];
};

struct sender_list {
    struct sender **items; /* all there ever were: some may be under way */
    size_t count;
    struct sender *by_index[APPSERVICES_MAX]; /* of the current set */
    uint64_t generation;                      /* of that set; 0: none */
    pthread_mutex_t lock;
    void (*wake)(void *context);
    void *context;
};

void sender_list_init(struct sender_list *list, void (*wake)(void *context), void *context);
void sender_list_finish(struct sender_list *list);

/* Makes the list that of a set and reads everything from the database. */
enum errcode sender_list_take_over(struct sender_list *list, struct call *call,
                                   const struct appservice_set *set) MUST_CHECK;

/* Notes the answers that came in. */
enum errcode sender_list_settle(struct sender_list *list, struct call *call) MUST_CHECK;

/* Starts what is due. `*wait_ms_out`: when the next one is, at most what was in it. */
enum errcode sender_list_send(struct sender_list *list, struct call *call,
                              int64_t *wait_ms_out) MUST_CHECK;

/* True when something that failed is to be tried now. From any thread. */
bool sender_list_retry(struct sender_list *list, const char *id);

/* Who types in the room changed. */
void sender_add_typing(struct sender *sender, int64_t room_nid);

/* False for what was before its time. */
bool sender_wants(const struct sender *sender, int64_t position);

#endif
