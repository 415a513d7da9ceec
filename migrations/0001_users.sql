-- Who exists: every Matrix user this server has heard of, and the accounts that live here.

-- Interned user IDs. A row exists for remote users and for local names seen in events too; only a
-- row in accounts makes an account. user_nid never changes, so it may be cached for ever.
CREATE TABLE users (
    user_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL UNIQUE,
    is_local boolean NOT NULL DEFAULT false -- has, or had, an account here
);

-- A deactivated account keeps its row: its name is never given to anybody else.
CREATE TABLE accounts (
    user_nid bigint PRIMARY KEY REFERENCES users,
    password_hash text,   -- argon2id, or bcrypt when imported; NULL: no login by password
    is_guest boolean NOT NULL DEFAULT false,
    is_admin boolean NOT NULL DEFAULT false,
    appservice_id text COLLATE "C",
    created_ts bigint NOT NULL,  -- all *_ts are milliseconds since 1970
    locked_ts bigint,
    suspended_ts bigint,
    deactivated_ts bigint,
    is_erased boolean NOT NULL DEFAULT false,
    accepted_terms text          -- version of the terms of use
);

CREATE TABLE profile_fields (
    user_nid bigint NOT NULL REFERENCES users,
    field text COLLATE "C" NOT NULL,
    value text NOT NULL,         -- any JSON value, as canonical text
    PRIMARY KEY (user_nid, field)
);

-- Validated addresses. Canonical form: e-mail in lower case, msisdn as digits.
CREATE TABLE threepids (
    medium text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    user_nid bigint NOT NULL REFERENCES accounts,
    validated_ts bigint NOT NULL,
    added_ts bigint NOT NULL,
    PRIMARY KEY (medium, address)
);
CREATE INDEX threepids_of_user ON threepids (user_nid);

CREATE TABLE registration_tokens (
    token text COLLATE "C" PRIMARY KEY,
    uses_allowed bigint,         -- NULL: any number
    uses_completed bigint NOT NULL DEFAULT 0,
    expires_ts bigint,           -- NULL: never
    created_ts bigint NOT NULL,
    CHECK (uses_completed <= uses_allowed)
);

-- Nonces of the shared-secret registration: each is used once, on whichever node.
CREATE TABLE registration_nonces (
    nonce text COLLATE "C" PRIMARY KEY,
    expires_ts bigint NOT NULL
);
