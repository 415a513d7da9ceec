-- Messages from device to device, kept until the receiving device acknowledged them by syncing on.
CREATE TABLE to_device_messages (
    user_nid bigint NOT NULL,     -- of the receiver
    device_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    sender_nid bigint NOT NULL REFERENCES users,
    type text NOT NULL,
    content text NOT NULL,        -- JSON
    PRIMARY KEY (user_nid, device_id, position),
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);

-- Transaction IDs of what was sent, so that a repeated request sends nothing twice.
CREATE TABLE to_device_transactions (
    user_nid bigint NOT NULL REFERENCES users,
    device_id text COLLATE "C" NOT NULL, -- '': an application service without a device
    txn_key text COLLATE "C" NOT NULL,   -- event type and transaction ID
    created_ts bigint NOT NULL,
    PRIMARY KEY (user_nid, device_id, txn_key)
);
CREATE INDEX to_device_transactions_by_age ON to_device_transactions (created_ts);
