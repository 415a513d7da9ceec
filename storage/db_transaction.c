/* Repeating transactions that PostgreSQL gave up for the benefit of another one. */
#include "storage/db_transaction.h"

#include <time.h>

#include "homeserver/base/random.h"
#include "storage/db_sqlstate.h"

enum { ATTEMPTS_MAX = 5, FIRST_PAUSE_MS = 4 };

static enum errcode run_once(struct db *db, db_transaction_body body, void *context)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(db_begin(db, &tx));
    TRY(body(tx, context));
    return db_commit(&tx);
}

/* Random, and longer each time, so that two transactions do not meet again and again. */
static void pause_before_attempt(unsigned attempt)
{
    uint32_t pause_ms = 1 + random_below((uint32_t)FIRST_PAUSE_MS << attempt);
    struct timespec pause = {.tv_nsec = (long)pause_ms * 1000000};

    (void)nanosleep(&pause, NULL); /* woken early by a signal: just a shorter pause */
}

enum errcode db_transaction_run(struct db *db, db_transaction_body body, void *context)
{
    enum errcode code = OK;

    for (unsigned attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        code = run_once(db, body, context);
        if (code != E_CONFLICT || !sqlstate_is_repeatable(db_last_sqlstate(db)))
            return code;
        pause_before_attempt(attempt);
    }
    return code;
}
