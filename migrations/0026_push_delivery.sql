-- Push gateways: what is still to be sent, and how far the stream was looked at.

CREATE INDEX push_actions_stream ON push_actions (position);

-- MSC3881: a pusher may be switched off for a while, from another device too.
ALTER TABLE pushers ADD COLUMN enabled boolean NOT NULL DEFAULT true;
-- The unread count that the device was told last; NULL: none yet.
ALTER TABLE pushers ADD COLUMN badge bigint;

CREATE TABLE push_stream (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO push_stream (position) SELECT position FROM journal_head;

-- event_nid 0: the user read something, so only the unread count is news.
-- flags, actions: as in push_actions.
CREATE TABLE push_queue (
    pusher_nid bigint NOT NULL REFERENCES pushers ON DELETE CASCADE,
    position bigint NOT NULL,
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    flags smallint NOT NULL,
    actions text,
    PRIMARY KEY (pusher_nid, position)
);
