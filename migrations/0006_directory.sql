-- Room aliases of hosted domains.
CREATE TABLE room_aliases (
    alias text COLLATE "C" PRIMARY KEY,
    room_nid bigint NOT NULL,
    creator_nid bigint NOT NULL,
    created_ts bigint NOT NULL
);
CREATE INDEX room_aliases_room ON room_aliases (room_nid);

-- What people who are not in a room may be shown of it, as of its newest state; kept up to date in the
-- same transaction as the events that change it. The `*_folded` columns are the case-folded texts that
-- searches of the directory look at.
CREATE TABLE room_summaries (
    room_nid bigint PRIMARY KEY,
    -- Listed in the public directory.
    is_published boolean NOT NULL DEFAULT false,
    joined_members bigint NOT NULL DEFAULT 0,
    invited_members bigint NOT NULL DEFAULT 0,
    name text COLLATE "C",
    name_folded text COLLATE "C",
    topic text COLLATE "C",
    topic_folded text COLLATE "C",
    canonical_alias text COLLATE "C",
    canonical_alias_folded text COLLATE "C",
    avatar_url text COLLATE "C",
    join_rule text COLLATE "C",
    -- Rooms whose members may join (restricted rooms).
    allowed_rooms text[] COLLATE "C" NOT NULL DEFAULT '{}',
    history_visibility text COLLATE "C",
    guest_access text COLLATE "C",
    encryption text COLLATE "C",
    room_type text COLLATE "C"
) WITH (fillfactor = 70);
-- The order of the directory: the largest rooms first.
CREATE INDEX room_summaries_published ON room_summaries (joined_members DESC, room_nid DESC)
    WHERE is_published;
