-- End-to-end encryption: the public keys of devices and users. Everything of a device ends with it.

-- keys: the document as it was uploaded, canonical JSON without `unsigned`.
CREATE TABLE device_keys (
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    keys text NOT NULL,
    PRIMARY KEY (user_nid, device_id),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);

-- One-time keys, oldest first by key_nid. A key that was handed out keeps its row, without the key,
-- so that a repeated upload can not bring it back.
CREATE TABLE one_time_keys (
    key_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    algorithm text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    key text,                     -- canonical JSON; NULL: handed out
    key_hash bytea NOT NULL,      -- SHA-256 of it
    UNIQUE (user_nid, device_id, algorithm, key_id),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX one_time_keys_unclaimed ON one_time_keys (user_nid, device_id, algorithm, key_nid)
    WHERE key IS NOT NULL;

CREATE TABLE fallback_keys (
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    algorithm text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    key text NOT NULL,            -- canonical JSON
    is_used boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_nid, device_id, algorithm),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);

-- When the number of a device's one-time keys, or what its fallback keys are good for, last changed.
CREATE TABLE one_time_key_changes (
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (user_nid, device_id),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);

-- The users whose devices, names of devices or cross-signing keys changed.
CREATE TABLE device_list_changes (
    user_nid bigint NOT NULL REFERENCES users,
    position bigint NOT NULL,
    PRIMARY KEY (user_nid, position)
);
CREATE INDEX device_list_changes_by_position ON device_list_changes (position);

-- usage: 0 master, 1 self-signing, 2 user-signing (enum cross_signing_usage).
CREATE TABLE cross_signing_keys (
    user_nid bigint NOT NULL REFERENCES users,
    usage smallint NOT NULL,
    public_key text COLLATE "C" NOT NULL, -- unpadded base64
    keys text NOT NULL,                   -- canonical JSON without `unsigned`
    PRIMARY KEY (user_nid, usage)
);

-- Signatures that were added to a key after its upload.
-- target_id: a device ID, or the public key of a cross-signing key.
CREATE TABLE key_signatures (
    target_nid bigint NOT NULL REFERENCES users,
    target_id text COLLATE "C" NOT NULL,
    signer_nid bigint NOT NULL REFERENCES users,
    signer_key_id text COLLATE "C" NOT NULL,
    signature text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (target_nid, target_id, signer_nid, signer_key_id)
);
CREATE INDEX key_signatures_of_signer ON key_signatures (signer_nid, position);

-- The beginning of the user's newest stay in the room, 0 when there was none: changes of a name
-- are join events too, but begin nothing.
ALTER TABLE memberships ADD COLUMN joined_position bigint NOT NULL DEFAULT 0;
UPDATE memberships SET joined_position = last_join_position;
CREATE INDEX memberships_by_position ON memberships (room_nid, position);
