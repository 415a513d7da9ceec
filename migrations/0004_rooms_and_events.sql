-- The journal's position: one row, locked from the assignment of positions to COMMIT (I5).
CREATE TABLE journal_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO journal_head (position) VALUES (1);

-- Numbers are handed to a process in blocks, so that events can be built before they are written.
CREATE SEQUENCE room_nids INCREMENT BY 100;
CREATE SEQUENCE event_nids INCREMENT BY 1000;
CREATE SEQUENCE snapshot_nids INCREMENT BY 1000;

CREATE TABLE rooms (
    room_nid bigint PRIMARY KEY,
    room_id text COLLATE "C" NOT NULL UNIQUE,
    room_version text COLLATE "C" NOT NULL,
    created_ts bigint NOT NULL,
    -- A deleted room is gone for everyone at once; a reaper frees its rows in small steps.
    is_deleted boolean NOT NULL DEFAULT false
);

-- The newest state of each room. `version` counts the events that moved the head: an event built on
-- another version is refused (I7). Updated in place by every batch: kept apart and loosely packed.
CREATE TABLE room_heads (
    room_nid bigint PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
    version bigint NOT NULL,
    snapshot_nid bigint NOT NULL,
    depth bigint NOT NULL,
    last_position bigint NOT NULL,
    -- Event IDs of the forward extremities, separated by newlines.
    extremities text COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

-- Interned (type, state_key) pairs: the keys of state maps.
CREATE TABLE state_keys (
    state_key_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    state_key text COLLATE "C" NOT NULL,
    UNIQUE (type, state_key)
);

-- What is queried of an event; its bytes are in event_json.
--   position > 0: in the order in which this server saw it; < 0: history fetched later, growing
--   downwards; 0: known but not part of the timeline (rejected, or only an auth event).
--   snapshot_nid: the room's state before the event; NULL when it is not known.
--   flags: see storage/events.h.
CREATE TABLE events (
    event_nid bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    depth bigint NOT NULL,
    origin_server_ts bigint NOT NULL,
    snapshot_nid bigint,
    sender_nid bigint NOT NULL,
    state_key_nid bigint,
    redacted_by_nid bigint,
    -- The state event that this one took the place of.
    replaces_nid bigint,
    flags smallint NOT NULL DEFAULT 0,
    event_id text COLLATE "C" NOT NULL UNIQUE
);
CREATE INDEX events_room_position ON events (room_nid, position);

-- The exact canonical bytes of the federation form (I2).
CREATE TABLE event_json (
    event_nid bigint PRIMARY KEY,
    json bytea NOT NULL
);

-- A snapshot is a parent and what changed; a checkpoint (no parent) holds everything and is written
-- only when the changes since the last one outweigh it (I3).
CREATE TABLE state_snapshots (
    snapshot_nid bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    parent_nid bigint,
    -- Entries written since the last checkpoint, this snapshot's included.
    entries_since_checkpoint integer NOT NULL,
    state_key_nids bigint[] NOT NULL,
    event_nids bigint[] NOT NULL
);
CREATE INDEX state_snapshots_room ON state_snapshots (room_nid);

-- The answer to a transaction ID, in the same commit as the event itself (I4).
CREATE TABLE client_transactions (
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    -- Endpoint and transaction ID: `send!room:type`, see storage/client_transactions.c.
    txn_key text COLLATE "C" NOT NULL,
    event_nid bigint NOT NULL,
    created_ts bigint NOT NULL,
    PRIMARY KEY (user_nid, device_id, txn_key)
);
CREATE INDEX client_transactions_event ON client_transactions (event_nid);
CREATE INDEX events_room_state ON events (room_nid, state_key_nid, position)
    WHERE state_key_nid IS NOT NULL;
CREATE INDEX events_room_ts ON events (room_nid, origin_server_ts);
