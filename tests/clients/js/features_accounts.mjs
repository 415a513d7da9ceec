// Accounts and sessions, profile, presence, account data, devices, push rules and pushers, e-mail addresses.
import assert from "node:assert/strict";
import { feature, meeting, PASSWORD, passwordAuth, poll, refused, sdk, start, unique, withAuth } from "./features_recorded.mjs";

feature("sessions", async (server) => {
    const username = unique("anna");
    const anonymous = server.client();
    assert.equal(await anonymous.isUsernameAvailable(username), true);
    const flows = (await anonymous.loginFlows()).flows.map(({ type }) => type);
    assert.ok(flows.includes("m.login.password"), flows);

    let session;
    await assert.rejects(anonymous.registerRequest({ username, password: PASSWORD }), (error) => {
        session = error.data.session;
        return error.httpStatus === 401;
    });
    const registered = await anonymous.register(username, PASSWORD, session, { type: "m.login.dummy" });
    assert.equal(registered.user_id, `@${username}:${server.serverName}`);
    assert.equal(await server.client().isUsernameAvailable(username).catch(() => false), false);

    const client = server.client(await server.client().loginWithPassword(username, PASSWORD));
    assert.equal(client.isLoggedIn(), true);
    assert.equal((await client.whoami()).user_id, registered.user_id);
    const identifier = { type: "m.id.user", user: username };
    const again = server.client(await server.client().login("m.login.password", { identifier, password: PASSWORD }));
    const third = await server.client().loginRequest({ type: "m.login.password", identifier, password: PASSWORD });
    await refused("M_FORBIDDEN", server.client().loginWithPassword(username, "guessed"));

    const { login_token } = await withAuth(client, (auth) => client.requestLoginToken(auth));
    assert.equal((await server.client().loginWithToken(login_token)).user_id, registered.user_id);

    await again.logout();
    await refused("M_UNKNOWN_TOKEN", again.whoami());
    const password = "another horse, another battery";
    await client.setPassword(passwordAuth(client), password, true);
    await refused("M_UNKNOWN_TOKEN", server.client(third).whoami());
    const fresh = server.client(await server.client().loginWithPassword(username, password));
    await client.deactivateAccount({ ...passwordAuth(client), password }, true);
    await refused("M_UNKNOWN_TOKEN", fresh.whoami());
    await refused("M_USER_DEACTIVATED", server.client().loginWithPassword(username, password));
});

feature("refreshed tokens", async (server) => {
    const body = { username: unique("fresh"), password: PASSWORD, auth: { type: "m.login.dummy" }, refresh_token: true };
    const registered = await server.client().registerRequest(body);
    const refreshed = await server.client().refreshToken(registered.refresh_token);
    const client = server.client({ ...registered, ...refreshed });
    assert.equal((await client.whoami()).device_id, registered.device_id);
    await refused("M_UNKNOWN_TOKEN", server.client(registered).whoami());
    client.setAccessToken("nonsense");
    await refused("M_UNKNOWN_TOKEN", client.whoami());
});

feature("guests who peek", async (server) => {
    const anna = await server.user("anna");
    const { room_id } = await anna.createRoom({ preset: "public_chat", name: "Notices" });
    await anna.setGuestAccess(room_id, { allowJoin: true, allowRead: true });
    const { event_id } = await anna.sendTextMessage(room_id, "for everybody");

    const guest = server.client(await server.client().registerGuest({}));
    guest.setGuest(true);
    assert.equal(guest.isGuest(), true);
    assert.equal((await guest.whoami()).is_guest, true);
    await start(guest);
    const room = await guest.peekInRoom(room_id);
    assert.equal(room.name, "Notices");
    assert.ok(room.findEventById(event_id));
    // What is written while it looks arrives through /events.
    const later = await anna.sendTextMessage(room_id, "and later");
    await poll("the event", () => room.findEventById(later.event_id));
    guest.stopPeeking();
    await guest.joinRoom(room_id);
    assert.ok(guest.getUserId() in (await anna.getJoinedRoomMembers(room_id)).joined);
    await refused("M_GUEST_ACCESS_FORBIDDEN", guest.createRoom({}));
});

feature("profile", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    await anna.setDisplayName("Anna Dupont");
    await anna.setAvatarUrl("mxc://localhost/anna");
    assert.deepEqual(await ben.getProfileInfo(anna.getUserId()), { displayname: "Anna Dupont", avatar_url: "mxc://localhost/anna" });
    await poll("the name", () => ben.getRoom(roomId).getMember(anna.getUserId()).name === "Anna Dupont");
    await anna.setProfileInfo("displayname", { displayname: "Anna" });
    assert.deepEqual(await ben.getProfileInfo(anna.getUserId(), "displayname"), { displayname: "Anna" });

    assert.equal(await anna.doesServerSupportExtendedProfiles(), true);
    await anna.setExtendedProfileProperty("m.tz", "Europe/Paris");
    await anna.setExtendedProfileProperty("org.example.office", { floor: 3 });
    assert.equal(await ben.getExtendedProfileProperty(anna.getUserId(), "m.tz"), "Europe/Paris");
    assert.deepEqual((await ben.getExtendedProfile(anna.getUserId()))["org.example.office"], { floor: 3 });
    await anna.deleteExtendedProfileProperty("m.tz");
    assert.equal("m.tz" in (await ben.getExtendedProfile(anna.getUserId())), false);
});

feature("presence", async (server) => {
    const [anna, ben] = await meeting(server);
    await anna.setSyncPresence("unavailable");
    await anna.setPresence({ presence: "unavailable", status_msg: "in a meeting" });
    await poll("the presence", () => ben.getUser(anna.getUserId())?.presenceStatusMsg === "in a meeting");
    // A sync that was on its way says "online" once more.
    await poll("her being away", async () => (await ben.getPresence(anna.getUserId())).presence === "unavailable");
    assert.equal((await ben.getPresence(anna.getUserId())).status_msg, "in a meeting");
});

feature("account data and ignored users", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    await anna.setAccountData("org.example.colours", { dark: true });
    assert.deepEqual(anna.getAccountData("org.example.colours").getContent(), { dark: true });
    const other = await server.deviceOf(anna);
    assert.deepEqual(await other.getAccountDataFromServer("org.example.colours"), { dark: true });
    await other.setAccountDataRaw("org.example.colours", { dark: false });
    await poll("the change", () => anna.getAccountData("org.example.colours").getContent().dark === false);
    await anna.deleteAccountData("org.example.colours");
    assert.deepEqual((await other.getAccountDataFromServer("org.example.colours")) ?? {}, {});
    await anna.setRoomAccountData(roomId, "org.example.place", { row: 7 });
    await poll("the place", () => anna.getRoom(roomId).getAccountData("org.example.place")?.getContent().row === 7);

    await anna.setIgnoredUsers([ben.getUserId()]);
    await poll("the ignored", () => anna.getIgnoredUsers().length === 1);
    assert.equal(anna.isUserIgnored(ben.getUserId()), true);
    const unheard = await ben.sendTextMessage(roomId, "not for her");
    const heard = await anna.sendTextMessage(roomId, "she goes on");
    await poll("her own", () => anna.getRoom(roomId).findEventById(heard.event_id)?.status === null);
    assert.equal(anna.getRoom(roomId).findEventById(unheard.event_id), undefined);
});

feature("devices", async (server) => {
    const anna = await server.user();
    const others = [await server.deviceOf(anna), await server.deviceOf(anna), await server.deviceOf(anna)];
    const ids = others.map((device) => device.getDeviceId());
    await anna.setDeviceDetails(ids[0], { display_name: "Téléphone" });
    assert.equal((await anna.getDevice(ids[0])).display_name, "Téléphone");
    assert.equal((await anna.getDevices()).devices.length, 4);
    await withAuth(anna, (auth) => anna.deleteDevice(ids[0], auth));
    await withAuth(anna, (auth) => anna.deleteMultipleDevices(ids.slice(1), auth));
    assert.deepEqual((await anna.getDevices()).devices.map(({ device_id }) => device_id), [anna.getDeviceId()]);
    for (const device of others) await refused("M_UNKNOWN_TOKEN", device.whoami());
    await anna.setLocalNotificationSettings(anna.getDeviceId(), { is_silenced: true });
    const type = `org.matrix.msc3890.local_notification_settings.${anna.getDeviceId()}`;
    assert.deepEqual(await anna.getAccountDataFromServer(type), { is_silenced: true });
});

feature("push rules and pushers", async (server) => {
    const [anna, ben, roomId] = await meeting(server);
    const rule = { actions: ["notify", { set_tweak: "highlight" }], pattern: "urgent" };
    await anna.addPushRule("global", "content", "urgent", rule);
    await poll("the rule", () => anna.pushRules?.global.content.some(({ rule_id }) => rule_id === "urgent"));
    const { event_id } = await ben.sendTextMessage(roomId, "this is urgent");
    await poll("one highlight", () => anna.getRoom(roomId).getUnreadNotificationCount("highlight") === 1);
    assert.equal(anna.getPushActionsForEvent(anna.getRoom(roomId).findEventById(event_id)).tweaks.highlight, true);
    assert.equal(anna.getPushDetailsForEvent(anna.getRoom(roomId).findEventById(event_id)).rule.rule_id, "urgent");
    await anna.setPushRuleActions("global", "content", "urgent", ["notify"]);
    await anna.setPushRuleEnabled("global", "content", "urgent", false);
    const mine = (await anna.getPushRules()).global.content.find(({ rule_id }) => rule_id === "urgent");
    assert.deepEqual([mine.actions, mine.enabled], [["notify"], false]);
    await anna.deletePushRule("global", "content", "urgent");
    anna.setPushRules(await anna.getPushRules());

    await anna.setRoomMutePushRule("global", roomId, true);
    assert.equal(anna.getRoomPushRule("global", roomId).rule_id, roomId);
    await anna.sendReadReceipt(anna.getRoom(roomId).findEventById(event_id));
    await ben.sendTextMessage(roomId, "nobody counts this");
    const last = await anna.sendTextMessage(roomId, "the end");
    await poll("the end", () => anna.getRoom(roomId).findEventById(last.event_id)?.status === null);
    assert.equal(anna.getRoom(roomId).getUnreadNotificationCount("total"), 0);
    await anna.setRoomMutePushRule("global", roomId, false);

    const pusher = { kind: "http", app_id: "org.example.app", pushkey: "key", app_display_name: "App", device_display_name: "Phone" };
    await anna.setPusher({ ...pusher, lang: "fr", data: { url: "https://push.example.org/_matrix/push/v1/notify" } });
    assert.deepEqual((await anna.getPushers()).pushers.map(({ app_id, pushkey }) => [app_id, pushkey]), [["org.example.app", "key"]]);
    await anna.removePusher("key", "org.example.app");
    assert.deepEqual((await anna.getPushers()).pushers, []);
});

// Whoever gets a mail on this server follows its link at once.
feature("e-mail addresses", async (server) => {
    const address = `${unique("anna")}@example.org`;
    const secret = (client) => client.generateClientSecret();
    const body = { username: unique("mail"), password: PASSWORD };
    const anonymous = server.client();
    let session;
    await anonymous.registerRequest(body).catch((error) => (session = error.data.session));
    let client_secret = secret(anonymous);
    let { sid } = await anonymous.requestRegisterEmailToken(address, client_secret, 1);
    const auth = { type: "m.login.email.identity", threepid_creds: { sid, client_secret }, session };
    const validated = (request) => poll("the confirmation", () => request().catch((error) => {
        if (!["M_THREEPID_AUTH_FAILED", "M_UNAUTHORIZED", "M_UNKNOWN"].includes(error.errcode)) throw error;
    }));
    const anna = server.client(await validated(() => anonymous.registerRequest({ ...body, auth })));
    const addresses = async () => (await anna.getThreePids()).threepids.map(({ address }) => address);
    assert.deepEqual(await addresses(), [address]);

    const second = `${unique("second")}@example.org`;
    client_secret = secret(anna);
    ({ sid } = await anna.requestAdd3pidEmailToken(second, client_secret, 1));
    await validated(() => anna.addThreePidOnly({ sid, client_secret, auth: passwordAuth(anna) }));
    assert.deepEqual((await addresses()).sort(), [address, second].sort());

    client_secret = secret(anna);
    ({ sid } = await server.client().requestPasswordEmailToken(address, client_secret, 1));
    const forgotten = { type: "m.login.email.identity", threepid_creds: { sid, client_secret } };
    await validated(() => server.client().setPassword(forgotten, "a new password", false));
    await server.client().loginWithPassword(anna.getUserId(), "a new password");

    assert.equal((await anna.unbindThreePid("email", second)).id_server_unbind_result, "no-support");
    await anna.deleteThreePid("email", second);
    assert.deepEqual(await addresses(), [address]);
    const numbers = ["requestRegisterMsisdnToken", "requestAdd3pidMsisdnToken", "requestPasswordMsisdnToken"];
    for (const request of numbers) await refused("M_THREEPID_MEDIUM_NOT_SUPPORTED", anna[request]("FR", "0612345678", secret(anna), 1, "https://example.org"));
});
