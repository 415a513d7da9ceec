-- Room aliases of hosted domains.
CREATE TABLE room_aliases (
    alias text COLLATE "C" PRIMARY KEY,
    room_nid bigint NOT NULL,
    creator_nid bigint NOT NULL,
    created_ts bigint NOT NULL
);
CREATE INDEX room_aliases_room ON room_aliases (room_nid);

-- Rooms listed in the public directory.
CREATE TABLE published_rooms (
    room_nid bigint PRIMARY KEY,
    published_ts bigint NOT NULL
);
