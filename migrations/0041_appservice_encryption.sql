-- Application services with encryption are told when the key counts of their users' devices change.
CREATE INDEX one_time_key_changes_by_position ON one_time_key_changes (position);
