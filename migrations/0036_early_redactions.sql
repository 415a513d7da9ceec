-- Redactions that were accepted while the event that they redact was not here, or only beside the
-- timeline (an outlier): looked at when that event gets its place.
CREATE TABLE early_redactions (
    room_nid bigint NOT NULL,
    target_id text COLLATE "C" NOT NULL,
    redaction_nid bigint NOT NULL,
    PRIMARY KEY (room_nid, target_id, redaction_nid)
);
