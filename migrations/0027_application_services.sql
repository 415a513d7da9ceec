-- What application services are to be told, and how far that got.

-- Everything up to here was looked at and put into the queues of those whom it concerns.
CREATE TABLE appservice_stream (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO appservice_stream (position) SELECT position FROM journal_head;

CREATE TABLE appservices (
    appservice_id text COLLATE "C" PRIMARY KEY,
    since_position bigint NOT NULL,   -- of its first registration: what was before is not sent
    last_txn_id bigint NOT NULL DEFAULT 0,
    -- The transaction under way: exactly these bytes are repeated until they are accepted.
    txn_body bytea,
    txn_until bigint NOT NULL DEFAULT 0,  -- what of the queue is in it
    failures integer NOT NULL DEFAULT 0,  -- since the last success
    next_try_ts bigint NOT NULL DEFAULT 0
);

-- kind: 1 event, 2 receipt, 3 presence, 4 to-device message, 5 changed device list
-- (storage/appservices.h).
CREATE TABLE appservice_queue (
    appservice_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    kind smallint NOT NULL,
    event_nid bigint NOT NULL,        -- 0 unless it is an event
    PRIMARY KEY (appservice_id, position, kind)
);

-- The stream of all messages, for those who follow it.
CREATE INDEX to_device_messages_by_position ON to_device_messages (position);
CREATE INDEX accounts_of_appservices ON accounts (appservice_id) WHERE appservice_id IS NOT NULL;
