-- Rendezvous sessions (MSC4108): a small text that two devices of a user, one of them not logged in
-- yet, write to each other by turns. Anybody who knows the ID may; what they write is encrypted.
-- Short-lived, so what a crash of the machine loses costs nobody more than another look at a code.
CREATE UNLOGGED TABLE rendezvous_sessions (
    session_id text COLLATE "C" PRIMARY KEY,
    etag text COLLATE "C" NOT NULL, -- another with every change; without quotes
    payload bytea NOT NULL,
    modified_ts bigint NOT NULL,
    expires_ts bigint NOT NULL
);
CREATE INDEX rendezvous_sessions_by_expiry ON rendezvous_sessions (expires_ts);
