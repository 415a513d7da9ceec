// Rooms: making them, who is in them, their state, addresses, tags, directory, spaces, upgrades, calls.
import assert from "node:assert/strict";
import { feature, hears, meeting, poll, refused, sdk, start, unique } from "./features_recorded.mjs";

feature("comings and goings", async (server) => {
    const anna = await server.user("anna");
    const ben = await server.user("ben");
    await start(anna, ben);
    const { room_id } = await anna.createRoom({ preset: "private_chat", name: "Office" });
    const member = () => anna.getRoom(room_id)?.getMember(ben.getUserId());
    await anna.invite(room_id, ben.getUserId(), "please come");
    await poll("the invitation", () => ben.getRoom(room_id)?.getMyMembership() === "invite");
    assert.equal((await ben.joinRoom(room_id)).roomId, room_id);
    assert.ok((await ben.getJoinedRooms()).joined_rooms.includes(room_id));
    await poll("his arrival", () => member()?.membership === "join");
    await anna.kick(room_id, ben.getUserId(), "by mistake");
    await poll("the kick", () => member().membership === "leave" && ben.getRoom(room_id).getMyMembership() === "leave");
    await anna.ban(room_id, ben.getUserId(), "on purpose");
    await refused("M_FORBIDDEN", ben.joinRoom(room_id));
    await anna.unban(room_id, ben.getUserId());

    await anna.sendStateEvent(room_id, "m.room.join_rules", { join_rule: "knock" });
    await ben.knockRoom(room_id, { reason: "I work on this" });
    await poll("the knock", () => member().membership === "knock");
    await anna.invite(room_id, ben.getUserId());
    await ben.joinRoom(room_id);
    const before = await ben.sendTextMessage(room_id, "good bye");
    await ben.leave(room_id);
    await hears(anna, room_id, before.event_id);

    const back = await server.deviceOf(ben);
    await start(back);
    assert.ok((await back.syncLeftRooms()).some((room) => room.roomId === room_id));
    await back.forget(room_id);
    await refused("M_FORBIDDEN", back.createMessagesRequest(room_id, null, 10, "b"));
});

feature("state and powers", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    await anna.setRoomName(roomId, "Council");
    await anna.setRoomTopic(roomId, "What is decided", "<b>What</b> is decided");
    await poll("the name", () => ben.getRoom(roomId).name === "Council");
    assert.equal((await ben.getStateEvent(roomId, "m.room.topic", "")).topic, "What is decided");
    await anna.sendStateEvent(roomId, "org.example.stage", { stage: 2 }, "plan");
    const stage = (await ben.roomState(roomId)).find(({ type }) => type === "org.example.stage");
    assert.deepEqual([stage.state_key, stage.content], ["plan", { stage: 2 }]);
    await refused("M_FORBIDDEN", ben.setRoomName(roomId, "Mine"));
    await anna.setPowerLevel(roomId, ben.getUserId(), 50);
    await poll("the power", () => ben.getRoom(roomId).getMember(ben.getUserId()).powerLevel === 50);
    await ben.setRoomName(roomId, "Ours");

    const members = ({ chunk }) => chunk.map(({ state_key }) => state_key).sort();
    assert.deepEqual(members(await ben.members(roomId, "join")), [anna.getUserId(), ben.getUserId()].sort());
    const token = anna.store.getSyncToken();
    const carol = await server.user("carol");
    await anna.invite(roomId, carol.getUserId());
    assert.deepEqual(members(await ben.members(roomId, undefined, "leave")), [anna, ben, carol].map((c) => c.getUserId()).sort());
    assert.deepEqual(members(await anna.members(roomId, undefined, undefined, token)), [anna, ben].map((c) => c.getUserId()).sort());
    assert.deepEqual(Object.keys((await ben.getJoinedRoomMembers(roomId)).joined).sort(), [anna.getUserId(), ben.getUserId()].sort());
    const initial = await ben.roomInitialSync(roomId, 5);
    assert.deepEqual([initial.room_id, initial.membership, initial.messages.chunk.length], [roomId, "join", 5]);
});

feature("tags", async (server) => {
    const [anna, , roomId] = await meeting(server);
    await anna.setRoomTag(roomId, "m.favourite", { order: 0.25 });
    assert.deepEqual((await anna.getRoomTags(roomId)).tags, { "m.favourite": { order: 0.25 } });
    await poll("the tag", () => anna.getRoom(roomId).tags["m.favourite"]?.order === 0.25);
    await anna.deleteRoomTag(roomId, "m.favourite");
    assert.deepEqual((await anna.getRoomTags(roomId)).tags, {});
});

feature("addresses and the directory", async (server) => {
    const anna = await server.user("anna");
    const word = unique("jardin");
    const { room_id } = await anna.createRoom({ preset: "public_chat", name: word, topic: "Flowers" });
    const alias = `#${word}:${server.serverName}`;
    await anna.createAlias(alias, room_id);
    assert.equal((await anna.getRoomIdForAlias(alias)).room_id, room_id);
    assert.deepEqual((await anna.getLocalAliases(room_id)).aliases, [alias]);
    assert.equal((await anna.getRoomDirectoryVisibility(room_id)).visibility, "private");
    await anna.setRoomDirectoryVisibility(room_id, "public");
    const found = await anna.publicRooms({ limit: 5, filter: { generic_search_term: word } });
    assert.deepEqual(found.chunk.map((room) => [room.room_id, room.topic]), [[room_id, "Flowers"]]);
    const first = await anna.publicRooms({ limit: 1 });
    assert.equal(first.chunk.length, 1);
    const summary = await (await server.user("zoe")).getRoomSummary(alias);
    assert.deepEqual([summary.room_id, summary.name, summary.num_joined_members], [room_id, word, 1]);
    await anna.deleteAlias(alias);
    await refused("M_NOT_FOUND", anna.getRoomIdForAlias(alias));
});

feature("spaces", async (server) => {
    const anna = await server.user("anna");
    await start(anna);
    const creation_content = { type: "m.space" };
    const { room_id: space } = await anna.createRoom({ name: "Town hall", creation_content });
    const { room_id: office } = await anna.createRoom({ name: "Office" });
    await anna.sendStateEvent(space, "m.space.child", { via: [server.serverName], suggested: true }, office);
    const { rooms } = await anna.getRoomHierarchy(space, 10, 1, false);
    assert.deepEqual(rooms.map(({ room_id }) => room_id), [space, office]);
    assert.equal((await anna.getRoomHierarchy(space, 1)).rooms.length, 1);
});

feature("upgrades", async (server) => {
    const [anna, ben, old] = await meeting(server, { preset: "public_chat", room_version: "10", name: "Minutes" });
    const { replacement_room } = await anna.upgradeRoom(old, "12", [ben.getUserId()]);
    await ben.joinRoom(replacement_room);
    await poll("the history", () => ben.getRoomUpgradeHistory(replacement_room, true).length === 2);
    assert.deepEqual(ben.getRoomUpgradeHistory(old, true).map(({ roomId }) => roomId), [old, replacement_room]);
    const create = await ben.getStateEvent(replacement_room, "m.room.create", "");
    assert.deepEqual([create.room_version, create.additional_creators], ["12", [ben.getUserId()]]);
    assert.equal((await ben.getStateEvent(replacement_room, "m.room.name", "")).name, "Minutes");
    assert.deepEqual(await ben.leaveRoomChain(old), {});
    await poll("his departure", () => ben.getVisibleRooms().length === 0 || ben.getRoom(old)?.getMyMembership() === "leave");
    assert.deepEqual((await ben.getJoinedRooms()).joined_rooms, []);
});

feature("rooms in common and the user directory", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    assert.deepEqual(await anna._unstable_getSharedRooms(ben.getUserId()), [roomId]);
    const name = unique("Zébulon");
    await ben.setDisplayName(name);
    const found = await poll("the name", async () => (await anna.searchUserDirectory({ term: name, limit: 5 })).results[0]);
    assert.equal(found.user_id, ben.getUserId());
});

feature("calls", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    const { event_id } = await anna.sendEvent(roomId, "org.matrix.msc4075.rtc.notification", { lifetime: 30000, notification_type: "ring" });
    const declined = await ben.sendRtcDecline(roomId, event_id);
    await hears(anna, roomId, declined.event_id);
    assert.deepEqual(await anna._unstable_getRTCTransports(), [{ type: "livekit", livekit_service_url: server.livekitUrl }]);
    const turn = await anna.turnServer();
    assert.deepEqual([turn.uris, turn.ttl], [["turn:turn.example.org"], 86400]);
    assert.ok(turn.username.endsWith(`:${anna.getUserId()}`) && turn.password);
    anna.supportsVoip = () => true;
    assert.equal(await anna.checkTurnServers(), true);
    assert.deepEqual(anna.getTurnServers()[0].urls, turn.uris);
});
