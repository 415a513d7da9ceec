-- Words of messages, room names and topics. The vectors are made of case-folded text.
-- key: 1 content.body, 2 content.name, 3 content.topic.
CREATE TABLE event_search (
    event_nid bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    key smallint NOT NULL,
    position bigint NOT NULL,
    vector tsvector NOT NULL
);
CREATE INDEX event_search_vector ON event_search USING gin (vector);
