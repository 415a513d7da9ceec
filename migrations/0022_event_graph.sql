-- Which state event names which among its auth_events: auth chains, and who refers to an event, without
-- reading bodies.
CREATE TABLE event_auth_edges (
    event_nid bigint NOT NULL,
    auth_nid bigint NOT NULL,
    PRIMARY KEY (event_nid, auth_nid)
);
CREATE INDEX event_auth_edges_reverse ON event_auth_edges (auth_nid);

INSERT INTO event_auth_edges (event_nid, auth_nid)
SELECT DISTINCT e.event_nid, a.event_nid
  FROM events e
  JOIN event_json j USING (event_nid)
 CROSS JOIN LATERAL json_array_elements(convert_from(j.json, 'UTF8')::json -> 'auth_events') AS named (id)
  JOIN events a ON a.event_id = CASE json_typeof(named.id) WHEN 'array' THEN named.id ->> 0
                                                           ELSE named.id #>> '{}' END
 WHERE e.state_key_nid IS NOT NULL;

-- Holes in the graph: `event_nid` names `prev_id` among its prev_events, and we do not have that (or only
-- as an outlier). History is asked for from here.
CREATE TABLE missing_prev_events (
    room_nid bigint NOT NULL,
    prev_id text COLLATE "C" NOT NULL,
    event_nid bigint NOT NULL,
    PRIMARY KEY (room_nid, prev_id, event_nid)
);

-- Events whose arrival did to the room's state something else than they say: they are in a branch, or
-- branches met. The room's state before and after them, as snapshots (0: empty). Events with a row here
-- have the flag EVENT_JUMP.
CREATE TABLE room_jumps (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL PRIMARY KEY,
    before_nid bigint NOT NULL,
    after_nid bigint NOT NULL
);
CREATE INDEX room_jumps_room ON room_jumps (room_nid);

-- Positions of history that was fetched later: they grow downwards from 0.
CREATE SEQUENCE history_positions;

-- What other servers sent and we have acknowledged: the answer to a repeated transaction, and the events
-- that wait for their turn, in order, room by room.
CREATE TABLE federation_transactions (
    origin text COLLATE "C" NOT NULL,
    txn_id text COLLATE "C" NOT NULL,
    answer bytea NOT NULL,
    received_ts bigint NOT NULL,
    PRIMARY KEY (origin, txn_id)
);
CREATE INDEX federation_transactions_by_age ON federation_transactions (received_ts);

CREATE TABLE federation_inbox (
    inbox_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    received_ts bigint NOT NULL,
    -- The PDU as it came, as JSON.
    pdu bytea NOT NULL
);
CREATE INDEX federation_inbox_room ON federation_inbox (room_id, inbox_nid);

-- Times when state resolution took away a member or a power level that nobody took away: an administrator
-- should look at the room.
CREATE TABLE state_resets (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    happened_ts bigint NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
);
CREATE INDEX state_resets_by_time ON state_resets (happened_ts);
