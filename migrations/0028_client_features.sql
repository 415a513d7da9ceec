-- E-mail addresses that somebody says are theirs, and rooms in which the server speaks.

-- One row per request of a client; short-lived. The link's token is stored as its SHA-256 only. What
-- an address was validated for is part of the key, so that a click that was meant to make an account
-- can not choose a new password.
CREATE TABLE email_validations (
    sid text COLLATE "C" PRIMARY KEY,
    purpose text COLLATE "C" NOT NULL,       -- register, password, account
    address text COLLATE "C" NOT NULL,       -- in lower case
    client_secret text COLLATE "C" NOT NULL, -- of the client's choice; needed to use the result
    token_hash text COLLATE "C",             -- NULL: no link was sent, nothing can be proven
    next_link text,                          -- where the client wants its user next
    send_attempt bigint NOT NULL DEFAULT 0,  -- of the last mail that was sent; the client counts
    mails_sent bigint NOT NULL DEFAULT 0,
    validated_ts bigint,
    created_ts bigint NOT NULL,
    expires_ts bigint NOT NULL,
    UNIQUE (address, purpose, client_secret)
);
CREATE INDEX email_validations_by_expiry ON email_validations (expires_ts);

-- The one room in which the server speaks to a user.
CREATE TABLE server_notice_rooms (
    user_nid bigint PRIMARY KEY REFERENCES accounts,
    room_nid bigint NOT NULL
);
