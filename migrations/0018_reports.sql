-- What users reported to the administrators of this server.
CREATE TABLE reports (
    report_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_ts bigint NOT NULL,
    reporter_nid bigint NOT NULL,
    -- What it is about: a room and perhaps one event of it, or a user.
    room_nid bigint,
    event_nid bigint,
    user_nid bigint,
    reason text
);
CREATE INDEX reports_room ON reports (room_nid) WHERE room_nid IS NOT NULL;
CREATE INDEX reports_reporter ON reports (reporter_nid);
