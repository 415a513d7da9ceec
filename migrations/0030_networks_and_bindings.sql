-- Application services list rooms in the directories of the networks they bridge to, beside the
-- public directory. An instance of a network is named `<application service>|<network>`.

ALTER TABLE room_summaries ADD COLUMN networks text[] COLLATE "C" NOT NULL DEFAULT '{}';
-- All that any directory shows, in the order of the directory.
CREATE INDEX room_summaries_listed ON room_summaries (joined_members DESC, room_nid DESC)
    WHERE is_published OR networks <> '{}';

-- Addresses that users made public through an identity server, so that they can be taken off again.
-- They need not be addresses of the account.
CREATE TABLE threepid_bindings (
    user_nid bigint NOT NULL REFERENCES accounts,
    medium text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    id_server text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_nid, medium, address, id_server)
);
