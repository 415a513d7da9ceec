-- Pairs that are asked for in every room, also where nobody ever set them: a pair that is not here
-- is looked for again and again, because another node may add it at any time.
INSERT INTO state_keys (type, state_key)
VALUES ('m.room.create', ''), ('m.room.power_levels', ''), ('m.room.join_rules', ''),
       ('m.room.history_visibility', ''), ('m.room.guest_access', ''), ('m.room.name', ''),
       ('m.room.canonical_alias', ''), ('m.room.topic', ''), ('m.room.avatar', ''),
       ('m.room.encryption', ''), ('m.room.server_acl', ''), ('m.room.tombstone', ''),
       ('m.room.pinned_events', '')
    ON CONFLICT (type, state_key) DO NOTHING;
