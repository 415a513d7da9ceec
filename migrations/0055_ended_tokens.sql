-- What processes remember of access tokens: told by NOTIFY, in the moment of the commit, of whom it
-- is not true any more. See homeserver/accounts/token_cache.h.
CREATE FUNCTION tell_of_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('beffroi_tokens', OLD.user_nid::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_of_ended_tokens
    AFTER DELETE OR UPDATE ON access_tokens FOR EACH ROW EXECUTE FUNCTION tell_of_tokens();

CREATE TRIGGER tell_of_changed_accounts
    AFTER DELETE OR UPDATE OF locked_ts, suspended_ts, deactivated_ts, is_admin, is_guest
       ON accounts FOR EACH ROW EXECUTE FUNCTION tell_of_tokens();

-- Application services act as devices that have no token.
CREATE TRIGGER tell_of_deleted_devices
    AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION tell_of_tokens();
