-- Transaction IDs were a fifth of what a message takes: the key is a hash of what makes one unique
-- (storage/client_transactions.c), and only what is shown again stays text.
CREATE TABLE shorter_transactions (
    event_nid bigint NOT NULL,
    created_ts bigint NOT NULL,
    -- The first half of the SHA-256 of: user number, length of the device ID, device ID, endpoint
    -- with its path and transaction ID.
    key uuid NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    txn_id text COLLATE "C" NOT NULL
);
INSERT INTO shorter_transactions (event_nid, created_ts, key, device_id, txn_id)
SELECT event_nid, created_ts,
       left(encode(sha256(convert_to(user_nid || ' ' || octet_length(device_id) || ' ' || device_id || txn_key,
                                     'UTF8')), 'hex'), 32)::uuid,
       device_id, substring(txn_key from '[^ ]*$')
  FROM client_transactions
 ORDER BY created_ts;
DROP TABLE client_transactions;
ALTER TABLE shorter_transactions RENAME TO client_transactions;
ALTER TABLE client_transactions ADD CONSTRAINT client_transactions_pkey PRIMARY KEY (event_nid);
ALTER TABLE client_transactions ADD CONSTRAINT client_transactions_key UNIQUE (key);

-- Only a jump to a date reads this: by spans of 2^22 ms (70 minutes), so that the events of a span
-- share an entry.
DROP INDEX events_room_ts;
CREATE INDEX events_room_ts ON events (room_nid, (origin_server_ts >> 22));
