-- Push rules, what came of them, and where notifications go.

-- What a user added to or changed in the predefined rules: one JSON document
-- (homeserver/protocol/push_rules.h). A user without a row has the predefined rules.
CREATE TABLE push_rule_sets (
    user_nid bigint PRIMARY KEY REFERENCES users,
    rules text NOT NULL,
    position bigint NOT NULL
);

-- Which events these rules can concern: a room ID, a sender's user ID, '' for any event; or
-- 'ignore:' and the user ID of somebody whom the user does not want to hear of.
CREATE TABLE push_rule_scopes (
    user_nid bigint NOT NULL REFERENCES users,
    scope text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_nid, scope)
);
CREATE INDEX push_rule_scopes_by_scope ON push_rule_scopes (scope, user_nid);

-- Events of threads, and the event ID of the thread's root. Events of the main timeline have none.
CREATE TABLE thread_events (
    event_nid bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    root_event_id text COLLATE "C" NOT NULL
);
CREATE INDEX thread_events_of_room ON thread_events (room_nid, root_event_id);

-- Only where an event does something else for a user than for everybody in the room (events.flags).
-- flags: enum push_flag. actions: JSON of the rule's actions; NULL when the flags say it all.
CREATE TABLE push_actions (
    user_nid bigint NOT NULL REFERENCES users,
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    flags smallint NOT NULL,
    actions text,
    PRIMARY KEY (user_nid, room_nid, position)
);
CREATE INDEX push_actions_by_position ON push_actions (user_nid, position);

-- Unread counts read these columns of every event after the receipt: from the index alone.
DROP INDEX events_room_position;
CREATE INDEX events_room_position ON events (room_nid, position)
    INCLUDE (event_nid, sender_nid, flags);

-- kind: `http` or `email`. A pusher goes with the device that made it.
CREATE TABLE pushers (
    pusher_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES users,
    device_id text COLLATE "C",
    app_id text COLLATE "C" NOT NULL,
    pushkey text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    app_display_name text NOT NULL,
    device_display_name text NOT NULL,
    profile_tag text,
    lang text NOT NULL,
    data text NOT NULL,           -- JSON object
    pushkey_ts bigint NOT NULL,
    last_position bigint NOT NULL, -- notifications up to here are done with
    failing_since_ts bigint,
    next_try_ts bigint NOT NULL DEFAULT 0,
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE,
    UNIQUE (app_id, pushkey, user_nid)
);
CREATE INDEX pushers_of_user ON pushers (user_nid);
