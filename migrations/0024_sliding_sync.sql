-- Connections of simplified sliding sync (MSC4186): one per device and name.
CREATE TABLE sliding_connections (
    connection_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    conn_id text COLLATE "C" NOT NULL,
    last_serial bigint NOT NULL,
    -- Up to an hour old.
    used_ts bigint NOT NULL,
    UNIQUE (user_nid, device_id, conn_id),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX sliding_connections_used ON sliding_connections (used_ts);

-- What a connection has told of each room (homeserver/protocol/sliding_memory.h): the memory that the
-- client's newest `pos` stands for, and the one before it.
CREATE TABLE sliding_memories (
    connection_nid bigint NOT NULL REFERENCES sliding_connections ON DELETE CASCADE,
    serial bigint NOT NULL,
    memory bytea NOT NULL,
    PRIMARY KEY (connection_nid, serial)
);
