-- Bytes that are stored, once for each content, whoever brought them.
CREATE TABLE media_files (
    file_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32), -- SHA-256
    object text COLLATE "C" NOT NULL UNIQUE,                    -- the name in the store
    store smallint NOT NULL,                                    -- 0 directory, 1 S3
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    reference_count bigint NOT NULL CHECK (reference_count >= 0),
    created_ts bigint NOT NULL,
    virus text,       -- what the scanner found in it
    scanned_ts bigint -- NULL: not looked at
);
CREATE INDEX media_files_without_reference ON media_files (file_nid) WHERE reference_count = 0;
CREATE INDEX media_files_by_store ON media_files (store, file_nid);

-- Objects of a store that may be there although no row above names them: those being written, and
-- those being deleted. What stands here for long is removed by a job.
CREATE TABLE media_objects_in_doubt (
    object text COLLATE "C" PRIMARY KEY,
    store smallint NOT NULL,
    since_ts bigint NOT NULL
);
CREATE INDEX media_objects_in_doubt_by_age ON media_objects_in_doubt (since_ts);

-- What mxc:// URIs name. A row of ours stays after deletion: a media ID is never used twice.
CREATE TABLE media (
    media_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_name text COLLATE "C" NOT NULL,
    media_id text COLLATE "C" NOT NULL,
    user_nid bigint REFERENCES users,       -- who uploaded it; NULL: it is of another server
    file_nid bigint REFERENCES media_files, -- NULL: not uploaded yet, or deleted
    content_type text NOT NULL DEFAULT 'application/octet-stream',
    file_name text,
    created_ts bigint NOT NULL,
    uploaded_ts bigint,       -- or fetched
    unused_expires_ts bigint, -- of an ID that waits for its content
    accessed_ts bigint NOT NULL,
    quarantined_ts bigint,
    quarantined_by bigint REFERENCES users,
    is_protected boolean NOT NULL DEFAULT false, -- against quarantine and retention
    deleted_ts bigint,
    UNIQUE (server_name, media_id)
);
CREATE INDEX media_by_user ON media (user_nid, media_nid) WHERE user_nid IS NOT NULL;
CREATE INDEX media_by_file ON media (file_nid) WHERE file_nid IS NOT NULL;
CREATE INDEX media_by_access ON media (accessed_ts) WHERE file_nid IS NOT NULL;
CREATE INDEX media_waiting ON media (unused_expires_ts)
    WHERE unused_expires_ts IS NOT NULL AND file_nid IS NULL AND deleted_ts IS NULL;

-- Made of files, so that copies of a picture share them.
CREATE TABLE media_thumbnails (
    source_nid bigint NOT NULL REFERENCES media_files,
    width integer NOT NULL,
    height integer NOT NULL,
    crops boolean NOT NULL,
    animated boolean NOT NULL,
    file_nid bigint REFERENCES media_files, -- NULL: the source itself is small enough
    content_type text NOT NULL,
    PRIMARY KEY (source_nid, width, height, crops, animated)
);
CREATE INDEX media_thumbnails_by_file ON media_thumbnails (file_nid);
