"""Messages and what hangs on them: history, relations, threads, receipts, typing, filters, the loop of syncs."""

import asyncio

import nio
from nio.api import ReceiptType, RelationshipType, ThreadInclusion
from recorded import feature, refused, timeline, unique, until


async def meeting(server, **options):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create(invite=[ben.user_id], **options)).room_id
    await ben.join(room_id)
    return anna, ben, room_id


async def say(client, room_id, text, **more):
    content = {"msgtype": "m.text", "body": text, **more}
    return (await client.room_send(room_id, "m.room.message", content)).event_id


def thread(root):
    return {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}


@feature
async def history(server):
    anna, ben, room_id = await meeting(server)
    said = [await say(anna, room_id, f"point {number}") for number in range(7)]
    found = await ben.room_get_event(room_id, said[3])
    assert found.event.body == "point 3"
    context = await ben.room_context(room_id, said[3], limit=4)
    assert [event.event_id for event in context.events_after] == said[4:6]
    assert [event.event_id for event in context.events_before] == [said[2], said[1]]

    back, start = [], None
    while len(back) < 7:
        page = await ben.room_messages(room_id, start, limit=3, message_filter={"types": ["m.room.message"]})
        assert page.chunk, "the history ended early"
        back += [event.event_id for event in page.chunk]
        start = page.end
    assert back == said[::-1]
    on = await ben.room_messages(room_id, context.end, direction=nio.MessageDirection.front, limit=10)
    assert [event.event_id for event in on.chunk] == said[6:]
    once = [await anna.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": "once"}, "same") for _ in "ab"]
    assert once[0].event_id == once[1].event_id


@feature
async def redaction(server):
    anna, ben, room_id = await meeting(server)
    event_id = await say(anna, room_id, "sent by mistake")
    await refused("M_FORBIDDEN", ben.room_redact(room_id, event_id))
    await until("the message", ben, lambda answer: any(e.event_id == event_id for e in timeline(answer, room_id)))
    await anna.room_redact(room_id, event_id, reason="a mistake")
    redacts = lambda answer: [e for e in timeline(answer, room_id) if isinstance(e, nio.RedactionEvent)]  # noqa: E731
    heard = await until("the redaction", ben, redacts)
    assert (heard[0].redacts, heard[0].reason) == (event_id, "a mistake")
    assert isinstance((await ben.room_get_event(room_id, event_id)).event, nio.RedactedEvent)


@feature
async def relations(server):
    anna, ben, room_id = await meeting(server)
    event_id = await say(anna, room_id, "shall we?")
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "👍"}}
    liked = (await ben.room_send(room_id, "m.reaction", reaction)).event_id
    new = {"msgtype": "m.text", "body": "shall we go?"}
    replaces = {"rel_type": "m.replace", "event_id": event_id}
    edited = await say(anna, room_id, "* shall we go?", **{"m.new_content": new, "m.relates_to": replaces})
    answered = await say(ben, room_id, "in a thread", **thread(event_id))

    async def related(*arguments, **options):
        return [event.event_id async for event in anna.room_get_event_relations(room_id, event_id, *arguments, **options)]

    assert sorted(await related(limit=1)) == sorted([liked, edited, answered])
    assert await related(direction=nio.MessageDirection.front) == [liked, edited, answered]
    assert await related(RelationshipType.annotation, "m.reaction") == [liked]
    assert await related(RelationshipType.replacement) == [edited]


@feature
async def threads(server):
    anna, ben, room_id = await meeting(server)
    roots = [await say(anna, room_id, f"subject {number}") for number in range(3)]
    for root in roots:
        await say(anna, room_id, "more on it", **thread(root))
    await say(ben, room_id, "I agree", **thread(roots[0]))

    async def listed(include):
        return [event.event_id async for event in ben.room_get_threads(room_id, include, limit=2)]

    assert await listed(ThreadInclusion.all) == [roots[0], roots[2], roots[1]]
    assert await listed(ThreadInclusion.participated) == [roots[0]]


@feature
async def receipts(server):
    anna, ben, room_id = await meeting(server)
    first, second = await say(anna, room_id, "read this"), await say(anna, room_id, "and this")
    reply = await say(anna, room_id, "in the thread", **thread(first))
    await anna.sync(full_state=True)
    await ben.sync(full_state=True)

    def read_by_ben(answer):
        room = answer.rooms.join.get(room_id)
        events = [e for e in room.ephemeral if isinstance(e, nio.ReceiptEvent)] if room else []
        return {r.event_id: r for e in events for r in e.receipts if r.user_id == ben.user_id}

    await ben.room_read_markers(room_id, first, second)
    assert second in await until("the receipt", anna, read_by_ben)
    await ben.update_receipt_marker(room_id, reply, thread_id=first)
    heard = await until("the receipt in the thread", anna, read_by_ben)
    assert heard[reply].thread_id == first
    marker = lambda _: ben.rooms[room_id].fully_read_marker == first  # noqa: E731
    await until("the marker", ben, marker)
    # What is read in private moves the reader's own count and is told to nobody else.
    third = await say(anna, room_id, "one more")
    await until("one unread message", ben, lambda _: ben.rooms[room_id].unread_notifications == 1)
    await ben.update_receipt_marker(room_id, third, ReceiptType.read_private)
    await until("none", ben, lambda _: ben.rooms[room_id].unread_notifications == 0)
    await ben.update_receipt_marker(room_id, third, thread_id="main")
    assert set(await until("the next receipt", anna, read_by_ben)) == {third}


@feature
async def typing(server):
    anna, ben, room_id = await meeting(server)
    await ben.sync(full_state=True)
    await anna.room_typing(room_id, True, timeout=30000)
    await until("who types", ben, lambda _: anna.user_id in ben.rooms[room_id].typing_users)
    await anna.room_typing(room_id, False)
    await until("nobody types", ben, lambda _: anna.user_id not in ben.rooms[room_id].typing_users)


@feature
async def filters(server):
    anna, ben, room_id = await meeting(server)
    room = {"timeline": {"types": ["m.room.message"], "limit": 10}, "rooms": [room_id]}
    filter_id = (await ben.upload_filter(room=room, presence={"types": []})).filter_id
    other = (await anna.room_create(invite=[ben.user_id])).room_id
    await ben.join(other)
    await say(anna, other, "elsewhere")
    event_id = await say(anna, room_id, "here")
    answer = await ben.sync(sync_filter=filter_id, full_state=True)
    assert list(answer.rooms.join) == [room_id]
    assert [event.event_id for event in timeline(answer, room_id)] == [event_id]
    again = (await ben.sync(sync_filter=room_filter(room), since="", full_state=True)).rooms.join
    assert list(again) == [room_id]


def room_filter(room):
    return {"room": room}


@feature
async def a_loop_of_syncs(server):
    anna, ben, room_id = await meeting(server)
    heard = asyncio.Queue()

    async def message(_, event):
        await heard.put(event.body)

    ben.add_event_callback(message, nio.RoomMessageText)
    first = asyncio.create_task(wait_for_first_sync(ben))
    loop = asyncio.create_task(ben.sync_forever(timeout=2000, full_state=True))
    await first
    texts = [unique("text") for _ in range(5)]
    for text in texts:
        await say(anna, room_id, text)
    assert [await asyncio.wait_for(heard.get(), 60) for _ in texts] == texts
    ben.stop_sync_forever()
    await asyncio.wait_for(loop, 60)


async def wait_for_first_sync(client):
    await asyncio.wait_for(client.synced.wait(), 60)
