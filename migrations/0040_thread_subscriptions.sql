-- Which threads users follow (MSC4306). A row stays when its user unsubscribes: what happened in the
-- thread until then subscribes nobody again who had left it.
CREATE TABLE thread_subscriptions (
    user_nid bigint NOT NULL REFERENCES users,
    room_nid bigint NOT NULL,
    root_event_id text COLLATE "C" NOT NULL,
    is_subscribed boolean NOT NULL,
    is_automatic boolean NOT NULL,                   -- a client did it by itself
    unsubscribed_position bigint NOT NULL DEFAULT 0, -- of the last unsubscription
    position bigint NOT NULL,                        -- of the last change
    PRIMARY KEY (user_nid, room_nid, root_event_id)
);
CREATE INDEX thread_subscriptions_by_position ON thread_subscriptions (user_nid, position);
CREATE INDEX thread_subscriptions_of_thread ON thread_subscriptions (room_nid, root_event_id)
    INCLUDE (user_nid) WHERE is_subscribed;
