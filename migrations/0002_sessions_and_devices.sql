-- Sessions: devices, and the tokens that act for them. Tokens are stored as their SHA-256 only.

CREATE TABLE devices (
    user_nid bigint NOT NULL REFERENCES accounts,
    device_id text COLLATE "C" NOT NULL,
    display_name text,
    created_ts bigint NOT NULL,
    last_seen_ts bigint,          -- at most a minute old while the device is in use
    last_seen_address text,
    last_seen_user_agent text,
    PRIMARY KEY (user_nid, device_id)
);

-- One row per refresh token. A session that refreshes is a chain: the newest row is in use; its
-- predecessor stays valid until the successor was used once (previous_nid says so), and is then
-- kept for a while with replaced_ts, only to recognise a replay.
CREATE TABLE refresh_tokens (
    refresh_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    previous_nid bigint,          -- not NULL: neither this token nor its access token was used yet
    replaced_ts bigint,           -- not NULL: its successor was used
    expires_ts bigint NOT NULL,
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_of_device ON refresh_tokens (user_nid, device_id);

CREATE TABLE access_tokens (
    token_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    user_nid bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    refresh_nid bigint REFERENCES refresh_tokens ON DELETE CASCADE, -- issued together with it
    created_ts bigint NOT NULL,
    expires_ts bigint,            -- NULL: never
    FOREIGN KEY (user_nid, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX access_tokens_of_device ON access_tokens (user_nid, device_id);
CREATE INDEX access_tokens_of_refresh_token ON access_tokens (refresh_nid);

-- m.login.token: single use, two minutes.
CREATE TABLE login_tokens (
    token_hash bytea PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES accounts,
    expires_ts bigint NOT NULL
);

CREATE TABLE openid_tokens (
    token_hash bytea PRIMARY KEY,
    user_nid bigint NOT NULL REFERENCES accounts,
    expires_ts bigint NOT NULL
);
CREATE INDEX openid_tokens_of_user ON openid_tokens (user_nid);

-- User-interactive authentication under way, bound to one operation of one device.
CREATE TABLE uia_sessions (
    session_id text COLLATE "C" PRIMARY KEY,
    user_nid bigint NOT NULL,     -- 0: nobody is logged in (registration, forgotten password)
    device_id text COLLATE "C" NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    body text NOT NULL,           -- canonical JSON of the request without `auth`
    completed text[] NOT NULL DEFAULT '{}',
    proofs text NOT NULL DEFAULT '{}', -- JSON: what the stages established
    expires_ts bigint NOT NULL
);
CREATE INDEX uia_sessions_of_user ON uia_sessions (user_nid, expires_ts);
CREATE INDEX uia_sessions_by_expiry ON uia_sessions (expires_ts);
