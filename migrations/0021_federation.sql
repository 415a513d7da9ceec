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
    retry_interval_ms bigint NOT NULL DEFAULT 0,
    -- Everything that concerns this server up to this place in the journal was delivered, or need
    -- not be: a queue is a position, not a list.
    sent_position bigint NOT NULL DEFAULT 0
);

-- What can not be found in the journal's own tables, because it is for one server alone: messages
-- to devices, changes of device lists and keys. `edu` is the whole EDU, JSON.
CREATE TABLE federation_outbox (
    position bigint NOT NULL,
    server_name text COLLATE "C" NOT NULL,
    part integer NOT NULL,
    edu text NOT NULL,
    PRIMARY KEY (server_name, position, part)
);
