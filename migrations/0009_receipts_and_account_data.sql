-- What belongs to one user: account data, filters, read receipts, presence.

-- room_nid 0: global. An empty object means "deleted": it is kept so that other devices hear of it.
CREATE TABLE account_data (
    user_nid bigint NOT NULL REFERENCES users,
    room_nid bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    content text NOT NULL,        -- a JSON object
    is_deleted boolean NOT NULL DEFAULT false,
    position bigint NOT NULL,
    PRIMARY KEY (user_nid, room_nid, type)
);
CREATE INDEX account_data_by_position ON account_data (user_nid, position);
CREATE INDEX account_data_of_room ON account_data (room_nid) WHERE room_nid <> 0;

CREATE TABLE filters (
    filter_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES users,
    content_hash bytea NOT NULL,  -- SHA-256: a client that defines the same filter gets the same ID
    content text NOT NULL,
    UNIQUE (user_nid, content_hash)
);

-- type: 1 m.read, 2 m.read.private (enum receipt_type).
-- thread: '' unthreaded, 'main', or the event ID of a thread's root.
-- event_position: of the event, so that receipts can be compared; 0 when we do not have the event.
CREATE TABLE receipts (
    room_nid bigint NOT NULL,
    user_nid bigint NOT NULL REFERENCES users,
    type smallint NOT NULL,
    thread text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_position bigint NOT NULL,
    ts bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (room_nid, user_nid, type, thread)
) WITH (fillfactor = 80);
CREATE INDEX receipts_by_position ON receipts (room_nid, position);
-- The federation sender follows the whole stream.
CREATE INDEX receipts_stream ON receipts (position);

-- state: 0 offline, 1 unavailable, 2 online (enum presence_state).
-- node: which process watches over this user's timeouts; 0 for users of other servers.
CREATE TABLE presence (
    user_nid bigint PRIMARY KEY REFERENCES users,
    state smallint NOT NULL,
    status_msg text,
    last_active_ts bigint NOT NULL,
    currently_active boolean NOT NULL,
    node bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX presence_by_position ON presence (position);
CREATE INDEX presence_by_node ON presence (node) WHERE state <> 0;

-- Processes that are alive; what others looked after is taken over.
CREATE TABLE presence_nodes (
    node bigint PRIMARY KEY,
    seen_ts bigint NOT NULL
);
