-- Events that are to be sent later unless somebody says otherwise (MSC4140). Rows that are done are
-- kept for a day, so that a repeated transaction ID finds its delay ID.
CREATE TABLE delayed_events (
    delay_id text COLLATE "C" PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES accounts,
    -- Device and transaction ID; NULL for state events.
    txn_key text COLLATE "C",
    room_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    -- NULL: not a state event.
    state_key text COLLATE "C",
    content text NOT NULL,
    delay_ms bigint NOT NULL,
    -- Since when the delay runs: when it was made, or restarted.
    running_since_ts bigint NOT NULL,
    due_ts bigint NOT NULL,
    -- When it was sent, was cancelled or failed.
    done_ts bigint,
    UNIQUE (user_nid, txn_key)
);
CREATE INDEX delayed_events_due ON delayed_events (due_ts) WHERE done_ts IS NULL;
CREATE INDEX delayed_events_done ON delayed_events (done_ts) WHERE done_ts IS NOT NULL;
