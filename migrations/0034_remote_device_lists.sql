-- The devices of other servers' users, kept for as long as somebody here shares a room with them. Their
-- cross-signing keys stand in cross_signing_keys.

-- stream_id: of the newest update that is contained; NULL: never fetched.
-- tracked_position: where the journal stood when the list was fetched. It counts only while a room is
--   shared that was shared then already: otherwise updates may have been missed.
-- generation: grows with every update that is heard of, so that a list that was under way meanwhile is
--   known to be old.
CREATE TABLE remote_device_lists (
    user_nid bigint PRIMARY KEY REFERENCES users,
    stream_id bigint,
    tracked_position bigint NOT NULL DEFAULT 0,
    generation bigint NOT NULL DEFAULT 0,
    is_stale boolean NOT NULL DEFAULT true -- to be fetched before it is used
);

-- keys: the document as the other server sent it, canonical JSON without `unsigned`.
CREATE TABLE remote_devices (
    user_nid bigint NOT NULL REFERENCES remote_device_lists ON DELETE CASCADE,
    device_id text COLLATE "C" NOT NULL,
    display_name text,
    keys text NOT NULL,
    PRIMARY KEY (user_nid, device_id)
);

-- Whether anybody here is in a room, asked for every user of another server.
CREATE INDEX memberships_joined_here ON memberships (room_nid) WHERE is_local AND membership = 2;
