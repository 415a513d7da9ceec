-- Which event refers to which (m.relates_to): one row per child, taken away when it is redacted.
-- The parent may be an event that this server does not have yet.
CREATE TABLE relations (
    event_nid bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    parent_id text COLLATE "C" NOT NULL,
    rel_type text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    sender_nid bigint NOT NULL,
    -- Of an m.annotation.
    aggregation_key text COLLATE "C",
    -- An m.replace that has all that a valid edit needs by itself.
    is_edit boolean NOT NULL,
    origin_server_ts bigint NOT NULL,
    position bigint NOT NULL
);
CREATE INDEX relations_parent ON relations (room_nid, parent_id, rel_type, position);

-- The threads of a room, by their newest event.
CREATE TABLE threads (
    room_nid bigint NOT NULL,
    root_id text COLLATE "C" NOT NULL,
    latest_position bigint NOT NULL,
    PRIMARY KEY (room_nid, root_id)
);
CREATE INDEX threads_latest ON threads (room_nid, latest_position);
