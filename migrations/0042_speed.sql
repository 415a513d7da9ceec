-- Which rooms concern other servers at all is asked for every event.
CREATE INDEX memberships_remote ON memberships (room_nid) WHERE membership = 2 AND NOT is_local;
