-- Key backups: room keys that clients left here, encrypted for their user.

-- The newest that is not deleted takes keys. Deleted ones stay as rows, so that deleting again
-- succeeds.
CREATE TABLE key_backups (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES users,
    algorithm text NOT NULL,
    auth_data text NOT NULL,              -- JSON
    etag bigint NOT NULL DEFAULT 0,       -- counts the changes of the keys
    key_count bigint NOT NULL DEFAULT 0,
    is_deleted boolean NOT NULL DEFAULT false
);
CREATE INDEX key_backups_of_user ON key_backups (user_nid, version);

CREATE TABLE key_backup_sessions (
    version bigint NOT NULL REFERENCES key_backups,
    room_id text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    first_message_index bigint NOT NULL,
    forwarded_count bigint NOT NULL,
    is_verified boolean NOT NULL,
    data text NOT NULL,                   -- the whole KeyBackupData object, JSON
    PRIMARY KEY (version, room_id, session_id)
);
