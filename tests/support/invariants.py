"""What must hold in the database whenever the server is idle: each query returns no row.

For rooms of this server alone, whose events hold no U+0000 (the queries read them as jsonb).
"""

import psycopg

EDGES = """
    edges AS (
        SELECT events.room_nid, events.event_id, kind,
               jsonb_array_elements_text(convert_from(json, 'UTF8')::jsonb -> kind) AS other_id
          FROM events JOIN event_json USING (event_nid),
               unnest(ARRAY['prev_events', 'auth_events']) AS kind)
"""

INVARIANTS = {
    "an event has its bytes": """
        SELECT event_id FROM events LEFT JOIN event_json USING (event_nid) WHERE json IS NULL""",
    "bytes belong to an event": """
        SELECT event_nid FROM event_json LEFT JOIN events USING (event_nid) WHERE event_id IS NULL""",
    "no two events share a position": """
        SELECT position FROM events WHERE position > 0 GROUP BY position HAVING count(*) > 1""",
    "the journal's head is not behind its events": """
        SELECT position FROM journal_head WHERE position < (SELECT max(position) FROM events)""",
    "a room's head knows its last event": """
        SELECT room_id, last_position FROM room_heads JOIN rooms USING (room_nid)
         WHERE last_position <> (SELECT max(position) FROM events
                                  WHERE events.room_nid = room_heads.room_nid)""",
    "a transaction has its event": """
        SELECT txn_id FROM client_transactions LEFT JOIN events USING (event_nid)
         WHERE event_id IS NULL""",
    "previous and auth events are stored, in the same room": f"""
        WITH {EDGES}
        SELECT edges.event_id, kind, other_id FROM edges
          LEFT JOIN events other ON other.event_id = other_id AND other.room_nid = edges.room_nid
         WHERE other.event_id IS NULL""",
    "what a room's head calls the newest events has no children, and nothing else": f"""
        WITH {EDGES},
        tips AS (
            SELECT room_nid, event_id FROM events
             WHERE NOT EXISTS (SELECT 1 FROM edges
                                WHERE kind = 'prev_events' AND other_id = events.event_id)),
        heads AS (
            SELECT room_nid, unnest(string_to_array(trim(E'\\n' FROM extremities), E'\\n')) AS event_id
              FROM room_heads)
        SELECT event_id, tips.room_nid AS tip_of, heads.room_nid AS head_of
          FROM tips FULL JOIN heads USING (event_id)
         WHERE tips.room_nid IS DISTINCT FROM heads.room_nid""",
    "an event is deeper than those before it, by one": f"""
        WITH {EDGES}
        SELECT events.event_id, events.depth, max(before.depth) FROM events
          JOIN edges ON edges.event_id = events.event_id AND kind = 'prev_events'
          JOIN events before ON before.event_id = other_id
         GROUP BY events.event_id, events.depth HAVING events.depth <> max(before.depth) + 1""",
    "a membership is that of the newest member event": """
        SELECT rooms.room_id, user_id FROM memberships
          JOIN rooms USING (room_nid)
          JOIN users ON users.user_nid = memberships.user_nid
          JOIN state_keys ON type = 'm.room.member' AND state_key = user_id
         WHERE memberships.event_nid <> (
            SELECT event_nid FROM events
             WHERE events.room_nid = memberships.room_nid
               AND events.state_key_nid = state_keys.state_key_nid
             ORDER BY position DESC LIMIT 1)""",
    "a snapshot's parent is there": """
        SELECT child.snapshot_nid FROM state_snapshots child
          LEFT JOIN state_snapshots parent ON parent.snapshot_nid = child.parent_nid
         WHERE child.parent_nid IS NOT NULL AND parent.snapshot_nid IS NULL""",
    "the snapshots of events and heads are there": """
        SELECT used.snapshot_nid
          FROM (SELECT snapshot_nid FROM events UNION SELECT snapshot_nid FROM room_heads) used
          LEFT JOIN state_snapshots USING (snapshot_nid)
         WHERE used.snapshot_nid IS NOT NULL AND state_snapshots.snapshot_nid IS NULL""",
    "stored files count what refers to them": """
        SELECT file_nid FROM media_files
         WHERE reference_count <> (SELECT count(*) FROM media WHERE media.file_nid = media_files.file_nid)
                                + (SELECT count(*) FROM media_thumbnails AS small WHERE small.file_nid = media_files.file_nid)""",
    "snapshots name events of their room": """
        SELECT state_snapshots.snapshot_nid, named.event_nid
          FROM state_snapshots
         CROSS JOIN unnest(state_snapshots.event_nids) AS named (event_nid)
          LEFT JOIN events ON events.event_nid = named.event_nid
         WHERE named.event_nid <> 0 AND events.room_nid IS DISTINCT FROM state_snapshots.room_nid""",
}


def connect(server):
    """To the embedded cluster of a server of ours."""
    cluster = server.directory / "data" / "postgresql" / "data"
    return psycopg.connect(host=str(cluster), port=5432, user="beffroi", dbname="beffroi")


def check_database(server):
    """Asserts all invariants."""
    with connect(server) as database:
        for name, query in INVARIANTS.items():
            rows = database.execute(query).fetchmany(10)
            assert not rows, f"it does not hold that {name}: {rows}"
