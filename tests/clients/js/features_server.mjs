// What is asked of the server itself: versions, capabilities, media, filters, sliding sync, third-party networks.
import assert from "node:assert/strict";
import fs from "node:fs";
import { feature, meeting, poll, refused, sdk, start, unique } from "./features_recorded.mjs";

feature("versions and capabilities", async (server) => {
    const anna = await server.user();
    assert.ok((await anna.getVersions()).versions.includes("v1.11"));
    assert.equal(await anna.isVersionSupported("v1.12"), true);
    assert.equal(await anna.doesServerSupportUnstableFeature("org.matrix.msc4140"), true);
    assert.equal(await anna.doesServerForceEncryptionForPreset("private_chat"), false);
    assert.ok((await anna.doesServerSupportThread()).threads);
    const capabilities = await anna.fetchCapabilities();
    assert.equal(capabilities["m.room_versions"].default, "12");
    assert.deepEqual(await anna.getCapabilities(), capabilities);
    assert.deepEqual(anna.getCachedCapabilities(), capabilities);
    const token = await anna.getOpenIdToken();
    assert.equal(token.matrix_server_name, server.serverName);
    await start(anna);
    assert.equal(anna.getSyncState() !== null, true);
});

feature("media", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    const picture = fs.readFileSync(server.picture);
    assert.ok((await anna.getMediaConfig(true))["m.upload.size"] >= 1024 * 1024);
    assert.ok((await anna.getMediaConfig())["m.upload.size"] >= 1024 * 1024);
    const upload = anna.uploadContent(picture, { type: "image/png", name: "été.png" });
    const { content_uri } = await upload;
    assert.equal(anna.cancelUpload(upload), false);
    assert.deepEqual(anna.getCurrentUploads(), []);
    const { event_id } = await anna.sendImageMessage(roomId, content_uri, { mimetype: "image/png" }, "été.png");
    const { url } = (await poll("the image", () => ben.getRoom(roomId).findEventById(event_id))).getContent();
    const headers = { Authorization: `Bearer ${ben.getAccessToken()}` };
    const whole = await fetch(ben.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true), { headers });
    assert.deepEqual([whole.status, whole.headers.get("content-type")], [200, "image/png"]);
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), picture);
    const small = await fetch(ben.mxcUrlToHttp(url, 64, 64, "crop", false, true, true), { headers });
    assert.equal(small.status, 200);
    assert.notEqual((await small.arrayBuffer()).byteLength, picture.length);

    const preview = await anna.getUrlPreview(server.pageUrl, Date.now());
    assert.equal(preview["og:title"], "The page");
});

feature("filters", async (server) => {
    const [anna, , roomId] = await meeting(server);
    const definition = { room: { timeline: { limit: 7, types: ["m.room.message"] } } };
    const { filterId } = await anna.createFilter(definition);
    assert.deepEqual((await anna.getFilter(anna.getUserId(), filterId, false)).getDefinition(), definition);
    const filter = new sdk.Filter(anna.getUserId());
    filter.setDefinition(definition);
    const id = await anna.getOrCreateFilter(unique("filter"), filter);
    const late = await server.deviceOf(anna);
    await anna.setRoomTopic(roomId, "not wanted");
    await anna.sendTextMessage(roomId, "wanted");
    const wanted = new sdk.Filter(anna.getUserId(), id);
    wanted.setDefinition(definition);
    await late.startClient({ filter: wanted, pollTimeout: 5000 });
    await poll("the sync", () => late.getRoom(roomId));
    assert.deepEqual(late.getRoom(roomId).getLiveTimeline().getEvents().map((e) => e.getType()), ["m.room.message"]);
});

feature("sliding sync", async (server) => {
    const anna = await server.user();
    const { room_id } = await anna.createRoom({ name: "Sliding" });
    const lists = { all: { ranges: [[0, 9]], required_state: [["m.room.name", ""]], timeline_limit: 3 } };
    const answer = await anna.slidingSync({ lists });
    assert.deepEqual([answer.lists.all.count, answer.rooms[room_id].name], [1, "Sliding"]);

    const { SlidingSync } = await import("matrix-js-sdk-newest/lib/sliding-sync.js");
    const room = { required_state: [["*", "*"]], timeline_limit: 20 };
    const sliding = new SlidingSync(anna.baseUrl, new Map([["all", { ranges: [[0, 20]], ...room }]]), room, anna, 5000);
    await anna.startClient({ slidingSync: sliding });
    await poll("the room", () => anna.getRoom(room_id)?.name === "Sliding");
    const { event_id } = await anna.sendTextMessage(room_id, "by sliding sync");
    await poll("the message", () => anna.getRoom(room_id).findEventById(event_id)?.status === null);
});

feature("third-party networks", async (server) => {
    const anna = await server.user();
    const protocols = await anna.getThirdpartyProtocols();
    assert.deepEqual(Object.keys(protocols), ["irc"]);
    assert.deepEqual((await anna.getThirdpartyLocation("irc", { channel: "#town" }))[0].alias, "#irc_town:localhost");
    assert.deepEqual((await anna.getThirdpartyUser("irc", { nick: "zoe" }))[0].userid, "@irc_zoe:localhost");
});
