-- Of a change that only the user's own clients are told of: other servers learn of the devices in another way.
ALTER TABLE device_list_changes ADD COLUMN only_own boolean NOT NULL DEFAULT false;
