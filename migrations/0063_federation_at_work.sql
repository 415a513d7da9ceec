-- What an administrator wants to know of other servers: why the last call failed; when the last transaction
-- was taken, and since when the oldest of what waits for a server waits (NULL: nothing does).
ALTER TABLE destinations ADD COLUMN last_error text;
CREATE INDEX destinations_failing ON destinations (server_name) WHERE failing_since_ts IS NOT NULL;

ALTER TABLE federation_queues
    ADD COLUMN sent_ts bigint,
    ADD COLUMN waiting_since_ts bigint;
