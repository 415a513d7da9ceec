-- Questions whose cost must follow their answer and not the size of the server
-- (tests/storage/test_query_plans.c).

-- Almost every event is visible (flags & 7 = 0). Without knowing that PostgreSQL expects to find so
-- few that it reads a whole room to show its newest twenty.
CREATE STATISTICS events_flags ON (flags & 7), (flags & 8) FROM events;

UPDATE events SET flags = flags | 2048 WHERE redacted_by_nid IS NOT NULL; -- redacted: notifies nobody

CREATE INDEX accounts_guests ON accounts (user_nid) WHERE is_guest;

-- A search in the rooms of a user: the room is a word of the text (`!` is in no other), so that the
-- index finds the word in these rooms and not on the whole server.
UPDATE event_search SET vector = vector || array_to_tsvector(ARRAY['!' || room_nid]);

-- The user directory looks for words that begin like those of the search.
ALTER TABLE user_directory ADD COLUMN words tsvector NOT NULL DEFAULT '';
UPDATE user_directory SET words = to_tsvector('simple', regexp_replace(
    localpart_folded || ' ' || coalesce(display_name_folded, ''), '[[:punct:]]+', ' ', 'g'));
CREATE INDEX user_directory_words ON user_directory USING gin (words);
