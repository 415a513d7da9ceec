-- Which media are pictures of rooms and users: they outlive retention by age. By hash, for other
-- indexes can not hold the longest texts that events may give for an address.
CREATE INDEX room_summaries_by_avatar ON room_summaries USING hash (avatar_url) WHERE avatar_url IS NOT NULL;
CREATE INDEX profile_fields_avatars ON profile_fields USING hash (value COLLATE "C") WHERE field = 'avatar_url';
