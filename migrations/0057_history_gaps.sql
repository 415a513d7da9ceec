-- Holes in the order of a room's history. A jump to a date may bring one event from far back, and what lies
-- between it and the rest is not here yet: that goes above the event, when it comes. Pages end at a gap.
CREATE TABLE history_gaps (
    room_nid bigint NOT NULL,
    -- The event below the gap. Nothing has a position between it and `until_position`.
    after_position bigint NOT NULL,
    -- What is fetched for the gap goes just below this.
    until_position bigint NOT NULL,
    -- Of the event below: whatever is not deeper in the graph belongs below the gap.
    depth bigint NOT NULL,
    PRIMARY KEY (room_nid, after_position),
    CHECK (after_position < until_position AND until_position <= 0)
);
