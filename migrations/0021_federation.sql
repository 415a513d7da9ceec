-- What is known of other servers.

-- Their signing keys, also those that they do not publish any more: old events carry them.
CREATE TABLE server_keys (
    server_name text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    public_key bytea NOT NULL,
    valid_until_ts bigint NOT NULL, -- of an expired key: when it expired
    is_expired boolean NOT NULL,
    PRIMARY KEY (server_name, key_id)
);

-- The newest document in which a server published its keys, as it came: for those who ask us.
CREATE TABLE server_key_documents (
    server_name text COLLATE "C" PRIMARY KEY,
    document text NOT NULL, -- JSON object
    received_ts bigint NOT NULL,
    valid_until_ts bigint NOT NULL
);

-- Servers that we have to do with. A row without failing_since_ts is in order.
CREATE TABLE destinations (
    server_name text COLLATE "C" PRIMARY KEY,
    failing_since_ts bigint,
    retry_ts bigint NOT NULL DEFAULT 0,
    retry_interval_ms bigint NOT NULL DEFAULT 0
);

-- What one of our domains has to tell another server. A queue is a position, not a list: everything in
-- the journal that concerns the server up to `sent_position` was delivered, and something that concerns
-- it stands between there and `wanted_position`.
CREATE TABLE federation_queues (
    origin text COLLATE "C" NOT NULL,
    server_name text COLLATE "C" NOT NULL,
    sent_position bigint NOT NULL,
    wanted_position bigint NOT NULL,
    PRIMARY KEY (origin, server_name)
);
CREATE INDEX federation_queues_waiting ON federation_queues (server_name)
    WHERE sent_position < wanted_position;

-- Up to where the journal was looked through for what concerns other servers.
CREATE TABLE federation_scan (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO federation_scan (position) SELECT position FROM journal_head;

-- What can not be read from the journal's own tables, because it is for one server alone: messages to
-- devices. `edu` is the whole EDU, JSON.
CREATE TABLE federation_outbox (
    position bigint NOT NULL,
    origin text COLLATE "C" NOT NULL,
    server_name text COLLATE "C" NOT NULL,
    edu text NOT NULL,
    PRIMARY KEY (origin, server_name, position)
);
CREATE INDEX federation_outbox_by_position ON federation_outbox (position);

-- Events that another server's user made through us (a join, say) and that we pass on, with the place in
-- the journal where that was decided.
CREATE TABLE federation_forwards (
    event_nid bigint PRIMARY KEY,
    origin text COLLATE "C" NOT NULL, -- the hosted domain that passes it on
    position bigint NOT NULL
);
CREATE INDEX federation_forwards_by_position ON federation_forwards (position);

-- The sender follows the events of all rooms, and asks which rooms a server is in.
CREATE INDEX events_stream ON events (position);
CREATE INDEX users_by_server ON users (substr(user_id, strpos(user_id, ':') + 1)) WHERE NOT is_local;
