-- For statements whose transaction must fail when they find something else than they expected: a
-- transaction that others must repeat, so that one trip to the server writes and commits.
CREATE FUNCTION raise_conflict() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'somebody else changed this meanwhile' USING ERRCODE = 'serialization_failure';
END
$$;
