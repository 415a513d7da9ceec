-- Which media are pictures of rooms and users: they outlive retention by age.
CREATE INDEX room_summaries_by_avatar ON room_summaries (avatar_url) WHERE avatar_url IS NOT NULL;
CREATE INDEX profile_fields_avatars ON profile_fields (value) WHERE field = 'avatar_url';
