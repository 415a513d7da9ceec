-- Dehydrated devices (MSC3814): at most one per user, a device that nobody is logged in on. It
-- receives messages while the user has no other device, and its private keys are kept for a later
-- login, encrypted by the user.
CREATE TABLE dehydrated_devices (
    user_nid bigint PRIMARY KEY,
    device_id text COLLATE "C" NOT NULL,
    device_data text NOT NULL,    -- JSON
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);
