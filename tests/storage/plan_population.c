#include "tests/storage/plan_population.h"

#include <stdio.h>
#include <stdlib.h>

#include "homeserver/base/compiler.h"
#include "storage/db.h"
#include "tests/support/postgres.h"

/* $X rooms, $R of them with $M members and $N messages; $U users. */
static const char *const population[] = {
    "INSERT INTO users (user_id, is_local) "
    "SELECT format('@user%s:localhost', u), u % 2 = 0 FROM generate_series(1, $U) u",
    "INSERT INTO accounts (user_nid, created_ts) SELECT user_nid, 0 FROM users WHERE is_local",
    "INSERT INTO devices (user_nid, device_id, created_ts) "
    "SELECT user_nid, 'DEVICE', 0 FROM accounts",
    "INSERT INTO user_directory (user_nid, localpart_folded, display_name, display_name_folded, "
    "       words) "
    "SELECT u, 'user' || u, 'Name ' || u, 'name ' || u, "
    "       to_tsvector('simple', format('user%s name %s', u, u)) FROM generate_series(1, $U) u",
    "INSERT INTO profile_fields (user_nid, field, value) "
    "SELECT u, 'displayname', format('\"Name %s\"', u) FROM generate_series(1, $U) u",
    "INSERT INTO rooms (room_nid, room_id, room_version, created_ts) "
    "SELECT r, '!room' || r || ':localhost', '12', 0 FROM generate_series(1, $X) r",
    "INSERT INTO room_heads (room_nid, version, snapshot_nid, depth, last_position, extremities) "
    "SELECT r, 1, r, 1, r * 1000000::bigint + $M + $N, '' FROM generate_series(1, $X) r",
    "INSERT INTO room_summaries (room_nid, is_published, joined_members, name, name_folded, "
    "       join_rule, networks) "
    "SELECT r, r % 4 = 0, $M + r % 7, 'Room ' || r, 'room ' || r, "
    "       CASE WHEN r % 4 = 0 THEN 'public' ELSE 'invite' END, "
    "       CASE WHEN r % 50 = 0 THEN '{irc|net}'::text[] ELSE '{}' END "
    "  FROM generate_series(1, $X) r",
    "INSERT INTO state_keys (type, state_key) "
    "SELECT 'm.room.member', user_id FROM users ORDER BY user_nid",
    "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, sender_nid, "
    "       position, last_join_position) "
    "SELECT r, u, 2, u % 2 = 0, r * 1000000::bigint + i, u, r * 1000000::bigint + i, "
    "       r * 1000000::bigint + i "
    "  FROM generate_series(1, $R) r, generate_series(1, $M) i, "
    "       LATERAL (SELECT (r * 20 + i) % $U + 1 AS u) user_of",
    "INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, snapshot_nid, "
    "       sender_nid, state_key_nid, event_id) "
    "SELECT event_nid, room_nid, event_nid, 1, event_nid, room_nid, user_nid, user_nid, "
    "       '$' || event_nid FROM memberships",
    "INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, snapshot_nid, "
    "       sender_nid, flags, event_id) "
    "SELECT n, r, n, 1, n, r, i % $U + 1, 8, '$' || n "
    "  FROM generate_series(1, $R) r, generate_series(1, $N) i, "
    "       LATERAL (SELECT r * 1000000::bigint + $M + i AS n) nid",
    "INSERT INTO event_json (event_nid, json) SELECT event_nid, '{}' FROM events",
    "INSERT INTO event_search (event_nid, room_nid, key, position, vector) "
    "SELECT event_nid, room_nid, 1, position, "
    "       to_tsvector('simple', 'word' || event_nid % 1000 || ' common') || "
    "       array_to_tsvector(ARRAY['!' || room_nid]) "
    "  FROM events WHERE state_key_nid IS NULL",
    "INSERT INTO relations (event_nid, room_nid, parent_id, rel_type, event_type, sender_nid, "
    "       is_edit, origin_server_ts, position) "
    "SELECT event_nid, room_nid, '$' || event_nid - 1, 'm.thread', 'm.room.message', sender_nid, "
    "       false, 0, position FROM events WHERE state_key_nid IS NULL AND event_nid % 4 = 0",
    "INSERT INTO threads (room_nid, root_id, latest_position) "
    "SELECT room_nid, parent_id, position FROM relations",
    "INSERT INTO thread_events (event_nid, room_nid, root_event_id) "
    "SELECT event_nid, room_nid, parent_id FROM relations",
    "INSERT INTO receipts (room_nid, user_nid, type, thread, event_id, event_position, ts, "
    "       position) "
    "SELECT room_nid, user_nid, 1, '', '$' || event_nid, position, 0, position FROM memberships "
    " WHERE user_nid % 4 = 0",
    "INSERT INTO push_actions (user_nid, room_nid, position, flags) "
    "SELECT m.user_nid, e.room_nid, e.position, 1 FROM events e JOIN memberships m USING "
    "(room_nid) "
    " WHERE e.state_key_nid IS NULL AND e.event_nid % 20 = 0 AND m.user_nid % 10 = 0",
    "INSERT INTO account_data (user_nid, room_nid, type, content, position) "
    "SELECT user_nid, room_nid, 'm.tag', '{}', position FROM memberships WHERE user_nid % 4 = 0",
    "INSERT INTO presence (user_nid, state, last_active_ts, currently_active, node, position) "
    "SELECT u, 1, 0, true, 1, u FROM generate_series(1, $U) u",
    "INSERT INTO device_list_changes (user_nid, position) "
    "SELECT u, u FROM generate_series(1, $U) u",
    "INSERT INTO push_rule_sets (user_nid, rules, position) "
    "SELECT u, '{}', u FROM generate_series(1, $U) u",
    "INSERT INTO state_snapshots (snapshot_nid, room_nid, entries_since_checkpoint, "
    "       state_key_nids, event_nids) "
    "SELECT n, r, 0, '{1}', '{1}' "
    "  FROM generate_series(1, $R) r, LATERAL (SELECT r * 100 + i AS n "
    "  FROM generate_series(1, 50) i) nid",
    "VACUUM (ANALYZE)", /* as autovacuum does; the index of words has a list of what waits */
};

bool plan_size_is_full(void)
{
    return getenv("BEFFROI_TEST_FULL") != NULL;
}

struct plan_size plan_size(void)
{
    if (plan_size_is_full())
        return (struct plan_size){100000, 10000, 1000, 1000, 200};
    return (struct plan_size){20000, 10000, 200, 500, 200};
}

/* The statement with the sizes in the places of the letters. */
static void fill_in(const char *sql, const struct plan_size *size, char *out, size_t room)
{
    size_t length = 0;

    for (; *sql != '\0'; sql++) {
        int value = -1;

        if (sql[0] == '$' && sql[1] == 'R')
            value = size->rooms;
        else if (sql[0] == '$' && sql[1] == 'X')
            value = size->rooms_in_all;
        else if (sql[0] == '$' && sql[1] == 'M')
            value = size->members_per_room;
        else if (sql[0] == '$' && sql[1] == 'N')
            value = size->messages_per_room;
        else if (sql[0] == '$' && sql[1] == 'U')
            value = size->users;
        if (value >= 0)
            length += (size_t)snprintf(out + length, room - length, "%d", value);
        else
            out[length++] = *sql;
        sql += value >= 0 ? 1 : 0;
    }
    out[length] = '\0';
}

void plan_populate(struct db *db, const struct plan_size *size)
{
    char sql[2048];

    for (size_t i = 0; i < COUNT_OF(population); i++) {
        fill_in(population[i], size, sql, sizeof sql);
        test_sql(db, sql);
    }
}
