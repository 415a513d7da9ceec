-- The latest membership of every user in every room that we know of.
-- membership: 1 invite, 2 join, 3 leave, 4 ban, 5 knock (enum membership).
CREATE TABLE memberships (
    room_nid bigint NOT NULL,
    user_nid bigint NOT NULL,
    membership smallint NOT NULL,
    is_local boolean NOT NULL,
    -- The user left the room and asked not to see it any more.
    is_forgotten boolean NOT NULL DEFAULT false,
    event_nid bigint NOT NULL,
    sender_nid bigint NOT NULL,
    position bigint NOT NULL,
    -- The newest join, 0 when there was none: up to there "shared" history may be read.
    last_join_position bigint NOT NULL DEFAULT 0,
    -- What an invite or knock shows of the room: the stripped state events as JSON text.
    stripped_state bytea,
    PRIMARY KEY (room_nid, user_nid)
);
CREATE INDEX memberships_user ON memberships (user_nid, membership);
