// What a client does for end-to-end encryption: keys, messages to devices, backup. (Conversations are in test_encryption.py.)
import assert from "node:assert/strict";
import { feature, meeting, poll, sdk, start, withAuth } from "./features_recorded.mjs";

async function encrypting(server, user) {
    const secrets = {};
    const cryptoCallbacks = {
        getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], secrets.key],
        cacheSecretStorageKey: (_id, _info, key) => (secrets.key = key),
    };
    const client = user ? await server.deviceOf(user, { cryptoCallbacks }) : await server.user("crypto", { cryptoCallbacks });
    await client.initRustCrypto({ useIndexedDB: false });
    await start(client);
    return client;
}

feature("keys", async (server) => {
    const anna = await encrypting(server);
    const ben = await encrypting(server);
    const { room_id } = await anna.createRoom({ preset: "private_chat", invite: [ben.getUserId()] });
    const before = anna.store.getSyncToken();
    await ben.joinRoom(room_id);
    const keys = await poll("his keys", async () => {
        const { device_keys } = await anna.downloadKeysForUsers([ben.getUserId()]);
        return device_keys[ben.getUserId()]?.[ben.getDeviceId()];
    });
    assert.equal(keys.device_id, ben.getDeviceId());
    const device = [ben.getUserId(), ben.getDeviceId()];
    const claimed = await poll("a key", async () => (await anna.claimOneTimeKeys([device])).one_time_keys[device[0]]?.[device[1]]);
    assert.ok(Object.keys(claimed)[0].startsWith("signed_curve25519:"));
    const changed = await poll("the change", async () => {
        const changes = await anna.getKeyChanges(before, anna.store.getSyncToken());
        return changes.changed.includes(ben.getUserId()) && changes;
    });
    assert.deepEqual(changed.left, []);
    assert.ok((await anna.uploadKeysRequest({})).one_time_key_counts.signed_curve25519 > 0);

    let uploaded;
    await anna.getCrypto().bootstrapCrossSigning({
        authUploadDeviceSigningKeys: async (makeRequest) => {
            await makeRequest(null);
            uploaded = true;
        },
    });
    assert.ok(uploaded);
    const { master_keys } = await ben.downloadKeysForUsers([anna.getUserId()]);
    const { user_id, usage, keys: own } = master_keys[anna.getUserId()];
    assert.equal(user_id, anna.getUserId());
    // The same keys again change nothing and need no proof of who asks; another master key does.
    const same = { user_id, usage, keys: own, signatures: master_keys[anna.getUserId()].signatures };
    await anna.uploadDeviceSigningKeys(undefined, { master_key: same });
    assert.deepEqual((await anna.uploadKeySignatures({})).failures ?? {}, {});
});

feature("messages to devices", async (server) => {
    const anna = await encrypting(server);
    const ben = await encrypting(server);
    const heard = [];
    ben.on(sdk.ClientEvent.ReceivedToDeviceMessage, ({ message }) => heard.push(message));
    const got = async (type) => (await poll(type, () => heard.find((message) => message.type === type))).content;
    const content = new Map([[ben.getUserId(), new Map([[ben.getDeviceId(), { number: 7 }]])]]);
    await anna.sendToDevice("org.example.ping", content);
    assert.deepEqual(await got("org.example.ping"), { number: 7 });
    const batch = [{ userId: ben.getUserId(), deviceId: ben.getDeviceId(), payload: { number: 8 } }];
    await anna.queueToDevice({ eventType: "org.example.queued", batch });
    assert.equal((await got("org.example.queued")).number, 8);
});

feature("a conversation, its keys in a backup", async (server) => {
    const anna = await encrypting(server);
    const ben = await encrypting(server);
    const initial_state = [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }];
    const { room_id } = await anna.createRoom({ preset: "private_chat", invite: [ben.getUserId()], initial_state });
    await ben.joinRoom(room_id);
    await poll("both", () => anna.getRoom(room_id)?.getJoinedMemberCount() === 2);
    assert.equal(anna.isRoomEncrypted(room_id), true);
    // Who sends before she knows his device sends nothing that it can read.
    const known = async () => (await anna.getCrypto().getUserDeviceInfo([ben.getUserId()])).get(ben.getUserId());
    await poll("his device", async () => (await known())?.has(ben.getDeviceId()));
    await anna.sendTextMessage(room_id, "for us alone");
    const clear = () => ben.getRoom(room_id)?.getLiveTimeline().getEvents().find((e) => e.getContent().body === "for us alone");
    assert.equal((await poll("the text", clear)).isEncrypted(), true);
    const secret = new Promise((resolve) => ben.once(sdk.ClientEvent.ReceivedToDeviceMessage, resolve));
    const device = { userId: ben.getUserId(), deviceId: ben.getDeviceId() };
    await anna.encryptAndSendToDevice("org.example.secret", [device], { number: 9 });
    const { message, encryptionInfo } = await secret;
    assert.deepEqual([message.type, message.content.number, encryptionInfo.sender], ["org.example.secret", 9, anna.getUserId()]);

    const crypto = ben.getCrypto();
    await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (makeRequest) => void (await makeRequest(null)) });
    const recovery = await crypto.createRecoveryKeyFromPassphrase();
    await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => recovery, setupNewSecretStorage: true, setupNewKeyBackup: true });
    assert.ok(await ben.isKeyBackupKeyStored());
    // (The library's own answer is one that it remembers.)
    const info = () => ben.http.authedRequest("GET", "/room_keys/version");
    await poll("the backup", async () => (await info()).count > 0);
    await ben.deleteKeysFromBackup(room_id, undefined, (await info()).version);
    assert.equal((await info()).count, 0);
    await ben.decryptEventIfNeeded(clear());
});
