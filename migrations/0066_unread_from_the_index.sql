-- Unread counts read the newest events from an index alone, where VACUUM has been since they came.
-- By default that is when a table has grown by a fifth; it looks at the new pages only.
ALTER TABLE events SET (autovacuum_vacuum_insert_scale_factor = 0.01);
