-- What the virus scanner said, for each content it has seen: of files under their SHA-256, of what
-- encrypted files hold under the SHA-256 of file hash, key and counter.
CREATE TABLE scan_results (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    virus text,               -- NULL: clean
    signatures text NOT NULL, -- the version of the scanner and its signatures
    scanned_ts bigint NOT NULL
);

ALTER TABLE media_files DROP COLUMN virus, DROP COLUMN scanned_ts;
