#ifndef STORAGE_DB_TRANSACTION_H
#define STORAGE_DB_TRANSACTION_H

#include "storage/db.h"

/* What happens inside the transaction. Called again from the start when the transaction has to be
 * repeated, so it must not leave traces outside the database when it fails. */
typedef enum errcode (*db_transaction_body)(struct db *tx, void *context);

/*
 * Runs a whole transaction: BEGIN, body, COMMIT. A serialization failure or a deadlock repeats it,
 * five times at most in all, after a short random pause; then E_CONFLICT. Any other failure of the
 * body rolls back and is returned.
 */
enum errcode db_transaction_run(struct db *db, db_transaction_body body, void *context) MUST_CHECK;

#endif
