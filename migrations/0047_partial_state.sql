-- Rooms that were joined before all their members were known (partial-state joins): the state that our join
-- was built on is fetched afterwards, and what came meanwhile is judged again. While `completed_position` is
-- NULL the room's snapshots from the join on lack members; afterwards it is the position at which they became
-- whole, which clients learn from.
CREATE TABLE partial_state_rooms (
    room_nid bigint PRIMARY KEY,
    join_nid bigint NOT NULL,
    -- The server that took the join, and all that it said are in the room.
    told_by text COLLATE "C" NOT NULL,
    servers text[] COLLATE "C" NOT NULL,
    began_position bigint NOT NULL,
    completed_position bigint,
    failures bigint NOT NULL DEFAULT 0,
    retry_ts bigint NOT NULL DEFAULT 0
);
CREATE INDEX partial_state_rooms_waiting ON partial_state_rooms (retry_ts) WHERE completed_position IS NULL;

-- Whom other servers' queues are about: users of other servers who are joined, and, as long as not all members
-- of a room were known, its servers by a user without a name.
CREATE VIEW remote_members AS
SELECT m.room_nid, u.user_id, m.joined_position, 9223372036854775807 AS until_position
  FROM memberships m
  JOIN users u USING (user_nid)
 WHERE m.membership = 2 AND NOT m.is_local
 UNION ALL
SELECT p.room_nid, '@:' || s.name, p.began_position, COALESCE(p.completed_position, 9223372036854775807)
  FROM partial_state_rooms p, unnest(p.servers) AS s (name);
