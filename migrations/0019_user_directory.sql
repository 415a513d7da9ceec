-- How users who are joined to some room are called: what searches for users look at. Written with the
-- member events. `*_folded` is case-folded.
CREATE TABLE user_directory (
    user_nid bigint PRIMARY KEY,
    localpart_folded text COLLATE "C" NOT NULL,
    display_name text COLLATE "C",
    display_name_folded text COLLATE "C",
    avatar_url text COLLATE "C"
);
-- Rooms whose members anybody may find.
CREATE INDEX room_summaries_open ON room_summaries (room_nid)
    WHERE join_rule = 'public' OR history_visibility = 'world_readable';
