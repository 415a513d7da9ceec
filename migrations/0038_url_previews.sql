-- What web pages said about themselves, one answer for each address and day. The addresses that users
-- ask for are kept as hashes only.
CREATE TABLE url_previews (
    url_hash bytea NOT NULL CHECK (octet_length(url_hash) = 32), -- SHA-256
    day integer NOT NULL,                                        -- since 1970, UTC
    preview text,                                                -- JSON; NULL: it could not be had
    image_nid bigint REFERENCES media ON DELETE SET NULL,
    fetched_ts bigint NOT NULL,
    PRIMARY KEY (url_hash, day)
);
CREATE INDEX url_previews_by_age ON url_previews (fetched_ts);
CREATE INDEX url_previews_by_image ON url_previews (image_nid) WHERE image_nid IS NOT NULL;
