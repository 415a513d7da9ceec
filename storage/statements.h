#ifndef STORAGE_STATEMENTS_H
#define STORAGE_STATEMENTS_H

#include <stddef.h>

#include "homeserver/base/compiler.h"
#include "storage/db.h"

/*
 * All SQL of the program, so that a test can have PostgreSQL check every statement. A storage file
 * adds STATEMENT_TABLE(<file>, statements) below its table, and its name to the list here (sorted);
 * tests/lint/check_statements.py finds what was forgotten.
 */
struct statement_table {
    const char *file;
    const struct db_statement *statements;
    size_t count;
};

#define STATEMENT_TABLES(X)                                                                        \
    X(access_tokens)                                                                               \
    X(access_tokens_listen)                                                                        \
    X(account_data)                                                                                \
    X(accounts)                                                                                    \
    X(appservice_changes)                                                                          \
    X(appservices)                                                                                 \
    X(auth_edges)                                                                                  \
    X(client_transactions)                                                                         \
    X(cross_signing_keys)                                                                          \
    X(database_check)                                                                              \
    X(db_pipeline)                                                                                 \
    X(dehydrated_devices)                                                                          \
    X(destinations)                                                                                \
    X(delayed_events)                                                                              \
    X(device_keys)                                                                                 \
    X(device_list_changes)                                                                         \
    X(devices)                                                                                     \
    X(early_redactions)                                                                            \
    X(email_validations)                                                                           \
    X(embedded_cluster)                                                                            \
    X(events)                                                                                      \
    X(events_insert_batch)                                                                         \
    X(federation_inbox)                                                                            \
    X(federation_queues)                                                                           \
    X(filters)                                                                                     \
    X(history_gaps)                                                                                \
    X(journal_batch)                                                                               \
    X(listen_to_nodes)                                                                             \
    X(key_backups)                                                                                 \
    X(key_signatures)                                                                              \
    X(load_position)                                                                               \
    X(login_tokens)                                                                                \
    X(look_for_server)                                                                             \
    X(media)                                                                                       \
    X(media_admin)                                                                                 \
    X(media_files)                                                                                 \
    X(memberships)                                                                                 \
    X(migrate)                                                                                     \
    X(missing_prev_events)                                                                         \
    X(nids)                                                                                        \
    X(one_time_keys)                                                                               \
    X(openid_tokens)                                                                               \
    X(partial_state_rooms)                                                                         \
    X(presence)                                                                                    \
    X(profiles)                                                                                    \
    X(push_actions)                                                                                \
    X(push_queue)                                                                                  \
    X(push_rules)                                                                                  \
    X(pushers)                                                                                     \
    X(receipts)                                                                                    \
    X(refresh_tokens)                                                                              \
    X(registration_tokens)                                                                         \
    X(relations)                                                                                   \
    X(remote_device_lists)                                                                         \
    X(rendezvous_sessions)                                                                         \
    X(reports)                                                                                     \
    X(room_aliases)                                                                                \
    X(room_directory)                                                                              \
    X(room_heads_update_batch)                                                                     \
    X(room_jumps)                                                                                  \
    X(room_locks)                                                                                  \
    X(room_summaries)                                                                              \
    X(rooms)                                                                                       \
    X(scan_results)                                                                                \
    X(search)                                                                                      \
    X(server_keys)                                                                                 \
    X(sliding_connections)                                                                         \
    X(sliding_rooms)                                                                               \
    X(server_notice_rooms)                                                                         \
    X(state_keys)                                                                                  \
    X(state_snapshots)                                                                             \
    X(thread_subscriptions)                                                                        \
    X(threepid_bindings)                                                                           \
    X(threepids)                                                                                   \
    X(to_device)                                                                                   \
    X(uia_sessions)                                                                                \
    X(url_previews)                                                                                \
    X(user_directory)                                                                              \
    X(users)

#define STATEMENT_TABLE(file_name, table)                                                          \
    const struct statement_table file_name##_statement_table = {                                   \
        .file = #file_name, .statements = (table), .count = COUNT_OF(table)}

/* For a statement that stands alone; the name is the statement's. */
#define STATEMENT_TABLE_OF_ONE(statement)                                                          \
    const struct statement_table statement##_statement_table = {                                   \
        .file = #statement, .statements = &(statement), .count = 1}

#define STATEMENT_TABLE_DECLARE(name) extern const struct statement_table name##_statement_table;
STATEMENT_TABLES(STATEMENT_TABLE_DECLARE)
#undef STATEMENT_TABLE_DECLARE

const struct statement_table *const *statement_tables(size_t *count_out);

#endif
