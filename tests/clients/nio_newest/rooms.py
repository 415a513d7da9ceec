"""Rooms: making them, who is in them, their state, addresses, directory, spaces, upgrades."""

import nio
from recorded import feature, refused, unique, until


@feature
async def a_room_with_everything(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    localpart = unique("council")
    topic = {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "forbidden"}}
    room_id = (
        await anna.room_create(
            visibility=nio.RoomVisibility.public,
            alias=localpart,
            name="Council",
            topic="What is decided",
            room_version="11",
            federate=False,
            preset=nio.RoomPreset.public_chat,
            invite=[ben.user_id],
            initial_state=[topic],
            power_level_override={"events_default": 1},
        )
    ).room_id
    types = {event["type"]: event["content"] for event in (await anna.room_get_state(room_id)).events}
    assert types["m.room.create"]["room_version"] == "11" and types["m.room.create"]["m.federate"] is False
    assert types["m.room.name"]["name"] == "Council" and types["m.room.topic"]["topic"] == "What is decided"
    assert types["m.room.power_levels"]["events_default"] == 1
    assert (await anna.room_get_visibility(room_id)).visibility == "public"
    assert (await ben.room_resolve_alias(f"#{localpart}:{server.server_name}")).room_id == room_id

    await until("the invitation", ben, lambda _: room_id in ben.invited_rooms)
    assert (await ben.join(f"#{localpart}:{server.server_name}")).room_id == room_id
    assert room_id in (await ben.joined_rooms()).rooms
    members = (await anna.joined_members(room_id)).members
    assert {member.user_id for member in members} == {anna.user_id, ben.user_id}
    await refused("M_FORBIDDEN", ben.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": "too low"}))


@feature
async def state(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create(room_version="11", invite=[ben.user_id])).room_id
    await ben.join(room_id)
    await anna.update_room_topic(room_id, "Roads")
    assert (await ben.room_get_state_event(room_id, "m.room.topic")).content["topic"] == "Roads"
    await anna.room_put_state(room_id, "org.example.stage", {"stage": 2}, state_key="plan")
    assert (await ben.room_get_state_event(room_id, "org.example.stage", "plan")).content == {"stage": 2}
    await refused("M_NOT_FOUND", ben.room_get_state_event(room_id, "org.example.stage", "other"))
    await refused("M_FORBIDDEN", ben.update_room_topic(room_id, "Bridges"))
    await until("the topic", ben, lambda _: ben.rooms[room_id].topic == "Roads")
    # (nio can not judge who is named in the power levels: that is an error of its own.)
    assert await ben.has_event_permission(room_id, "m.room.message") is True
    assert await ben.has_permission(room_id, "ban") is False


@feature
async def comings_and_goings(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create()).room_id
    await refused("M_FORBIDDEN", ben.join(room_id))
    await anna.room_invite(room_id, ben.user_id)
    await until("the invitation", ben, lambda _: room_id in ben.invited_rooms)
    await ben.join(room_id)
    await anna.room_kick(room_id, ben.user_id, "by mistake")
    left = await until("the kick", ben, lambda answer: answer.rooms.leave.get(room_id))
    assert left.timeline.events[-1].content["reason"] == "by mistake"
    await anna.room_ban(room_id, ben.user_id, "on purpose")
    await refused("M_FORBIDDEN", anna.room_invite(room_id, ben.user_id))
    await anna.room_unban(room_id, ben.user_id)
    await anna.room_invite(room_id, ben.user_id)
    await ben.room_leave(room_id)
    await ben.room_forget(room_id)
    assert room_id not in (await ben.joined_rooms()).rooms
    await refused("M_FORBIDDEN", ben.room_messages(room_id))


@feature
async def knocking(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create()).room_id
    await refused("M_FORBIDDEN", ben.room_knock(room_id))
    await anna.room_enable_knocking(room_id)
    await ben.room_knock(room_id, reason="I work on this")
    member = await anna.room_get_state_event(room_id, "m.room.member", ben.user_id)
    assert (member.content["membership"], member.content["reason"]) == ("knock", "I work on this")
    await anna.room_invite(room_id, ben.user_id)
    await ben.join(room_id)


@feature
async def addresses(server):
    anna = await server.user()
    room_id = (await anna.room_create(room_version="11")).room_id
    names = [f"#{unique('address')}:{server.server_name}" for _ in range(3)]
    await anna.room_put_alias(names[0], room_id)
    assert (await anna.room_resolve_alias(names[0])).room_id == room_id
    await anna.room_delete_alias(names[0])
    await refused("M_NOT_FOUND", anna.room_resolve_alias(names[0]))
    await anna.room_update_aliases(room_id, canonical_alias=names[1], alt_aliases=[names[2]])
    content = (await anna.room_get_state_event(room_id, "m.room.canonical_alias")).content
    assert content == {"alias": names[1], "alt_aliases": [names[2]]}
    assert (await anna.room_resolve_alias(names[2])).room_id == room_id


@feature
async def upgrade(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    name = f"#{unique('old')}:{server.server_name}"
    options = {"preset": nio.RoomPreset.public_chat, "name": "Minutes", "topic": "Of the council"}
    old = (await anna.room_create(room_version="10", **options)).room_id
    await anna.room_update_aliases(old, canonical_alias=name)
    await ben.join(old)
    new = (await anna.room_upgrade(old, "11")).room_id
    assert (await ben.room_get_state_event(old, "m.room.tombstone")).content["replacement_room"] == new
    await ben.join(new)
    create = (await ben.room_get_state_event(new, "m.room.create")).content
    assert (create["room_version"], create["predecessor"]["room_id"]) == ("11", old)
    assert (await ben.room_get_state_event(new, "m.room.topic")).content["topic"] == "Of the council"
    assert (await ben.room_resolve_alias(name)).room_id == new


@feature
async def public_rooms(server):
    anna = await server.user()
    word = unique("jardin")
    made = []
    for number in range(3):
        options = {"visibility": nio.RoomVisibility.public, "preset": nio.RoomPreset.public_chat}
        made.append((await anna.room_create(name=f"{word} {number}", **options)).room_id)
    page = await anna.list_public_rooms(limit=2, filter_generic_search_term=word)
    rest = await anna.list_public_rooms(limit=2, filter_generic_search_term=word, since=page.next_batch)
    assert sorted(room.room_id for room in page.public_rooms + rest.public_rooms) == sorted(made)
    spaces = await anna.list_public_rooms(filter_generic_search_term=word, filter_room_types=["m.space"])
    assert spaces.public_rooms == []


@feature
async def spaces(server):
    anna = await server.user()
    space = (await anna.room_create(space=True, name="Town hall")).room_id
    inner = (await anna.room_create(space=True, name="First floor")).room_id
    rooms = [(await anna.room_create(name=f"Office {number}")).room_id for number in range(3)]
    via = {"via": [server.server_name]}
    await anna.room_put_state(space, "m.space.child", {**via, "order": "a"}, inner)
    for number, room_id in enumerate(rooms):
        await anna.room_put_state(inner, "m.space.child", {**via, "suggested": number == 0}, room_id)
    page = await anna.space_get_hierarchy(space, limit=2)
    seen = [room["room_id"] for room in page.rooms]
    rest = await anna.space_get_hierarchy(space, from_page=page.next_batch)
    seen += [room["room_id"] for room in rest.rooms]
    assert seen[:2] == [space, inner] and sorted(seen[2:]) == sorted(rooms)
    shallow = await anna.space_get_hierarchy(space, max_depth=1)
    assert [room["room_id"] for room in shallow.rooms] == [space, inner]


@feature
async def direct_rooms(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create(is_direct=True, invite=[ben.user_id])).room_id
    invited = await until("the invitation", ben, lambda answer: answer.rooms.invite.get(room_id))
    assert any(getattr(event, "content", {}).get("is_direct") for event in invited.invite_state)
    path = f"/_matrix/client/v3/user/{anna.user_id}/account_data/m.direct"
    await server.raw(anna, "PUT", path, {ben.user_id: [room_id]})
    assert (await anna.list_direct_rooms()).rooms == {ben.user_id: [room_id]}
