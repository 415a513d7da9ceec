// The verbs of end-to-end encryption: matrix-js-sdk with its Rust crypto in WebAssembly, in memory.
import { CryptoEvent, decodeRecoveryKey, VerificationPhase, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";

const pollMs = 100;
const patienceMs = 60000;

let secretStorageKey; // of the user's secret storage, once it is known here
let incoming; // the verification request that came in last
let request; // the verification under way …
let verified; // … its promise …
let sas; // … and what is to be compared

export const cryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], secretStorageKey],
};

export async function startCrypto(client, { recovery_key }) {
    if (recovery_key) secretStorageKey = decodeRecoveryKey(recovery_key);
    await client.initRustCrypto({ useIndexedDB: false });
    client.on(CryptoEvent.VerificationRequestReceived, (received) => (incoming = received));
}

// What the crypto stack knows has no event of its own for everything: it is asked until it says so.
async function poll(what, look) {
    const giveUp = Date.now() + patienceMs;
    for (;;) {
        const result = await look();
        if (result) return result;
        if (Date.now() > giveUp) throw new Error(`gave up waiting for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
}

const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

// Encrypted attachments, as in the section "Sending encrypted attachments" of the specification.
async function uploadEncrypted(client, text) {
    const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt"]);
    const iv = new Uint8Array(16);
    crypto.getRandomValues(iv.subarray(0, 8));
    const counter = { name: "AES-CTR", counter: iv, length: 64 };
    const encrypted = await crypto.subtle.encrypt(counter, key, Buffer.from(text));
    const sha256 = unpadded(await crypto.subtle.digest("SHA-256", encrypted));
    const type = "application/octet-stream";
    const { content_uri } = await client.uploadContent(Buffer.from(encrypted), { type });
    const { kty, key_ops, alg, k, ext } = await crypto.subtle.exportKey("jwk", key);
    const keyInfo = { kty, key_ops: [...key_ops, "decrypt"], alg, k, ext };
    return { v: "v2", url: content_uri, key: keyInfo, iv: unpadded(iv), hashes: { sha256 } };
}

async function downloadEncrypted(client, file) {
    const url = client.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true);
    const headers = { Authorization: `Bearer ${client.getAccessToken()}` };
    const encrypted = await (await fetch(url, { headers })).arrayBuffer();
    if (unpadded(await crypto.subtle.digest("SHA-256", encrypted)) !== file.hashes.sha256)
        throw new Error("another file came than the one that was sent");
    const key = await crypto.subtle.importKey("jwk", file.key, "AES-CTR", false, ["decrypt"]);
    const counter = { name: "AES-CTR", counter: Buffer.from(file.iv, "base64"), length: 64 };
    return Buffer.from(await crypto.subtle.decrypt(counter, key, encrypted)).toString();
}

function follow(verifier) {
    sas = null;
    verifier.on(VerifierEvent.ShowSas, (shown) => (sas = shown));
    verified = verifier.verify();
    verified.catch(() => {}); // heard by confirm_sas
}

export const cryptoVerbs = (client) => ({
    async wait_for_device({ user_id, device_id, gone }) {
        const crypto = client().getCrypto();
        await poll(`device ${device_id}`, async () => {
            const devices = await crypto.getUserDeviceInfo([user_id], true);
            return Boolean(devices.get(user_id)?.has(device_id)) !== Boolean(gone);
        });
    },
    async undecryptable({ room_id, since_ts }) {
        const events = client().getRoom(room_id)?.getLiveTimeline().getEvents() ?? [];
        const failed = events.filter((event) => event.isDecryptionFailure() && event.getTs() >= since_ts);
        return failed.map((event) => event.getId());
    },
    async wait_for_encryption({ room_id }) {
        await poll("encryption", () => client().getCrypto().isEncryptionEnabledInRoom(room_id));
    },
    async wait_for_departure({ room_id, user_id }) {
        const gone = () => client().getRoom(room_id).getMember(user_id)?.membership === "leave";
        await poll("the departure", gone);
    },
    async read_back({ room_id, text }) {
        const messages = [];
        let timeline = client().getRoom(room_id).getLiveTimeline();
        while (timeline) {
            // A page that meets a timeline from before a gap leaves the token as it is: that one goes on below.
            for (let token, seen; (token = timeline.getPaginationToken("b")) && token !== seen; seen = token)
                await client().paginateEventTimeline(timeline, { backwards: true, limit: 250 });
            messages.unshift(...timeline.getEvents().filter((event) => event.isEncrypted()));
            timeline = timeline.getNeighbouringTimeline("b"); // before a gap that was filled
        }
        await poll("decryption", () => messages.every((event) => !event.isBeingDecrypted()));
        const bodies = messages.map((event) => event.getContent().body);
        return bodies.filter((body) => body.startsWith(text));
    },

    async send_file({ room_id, name, text, thumbnail }) {
        const file = await uploadEncrypted(client(), text);
        const info = { thumbnail_file: await uploadEncrypted(client(), thumbnail) };
        return (await client().sendMessage(room_id, { msgtype: "m.file", body: name, file, info })).event_id;
    },
    async read_file({ room_id, event_id }) {
        const { file, info } = client().getRoom(room_id).findEventById(event_id).getContent();
        return Promise.all([file, info.thumbnail_file].map((each) => downloadEncrypted(client(), each)));
    },

    // Cross-signing, secret storage, backup, dehydration.
    async set_up_cross_signing() {
        const authUploadDeviceSigningKeys = async (makeRequest) => void (await makeRequest(null));
        await client().getCrypto().bootstrapCrossSigning({ authUploadDeviceSigningKeys });
    },
    async set_up_secret_storage() {
        const crypto = client().getCrypto();
        const key = await crypto.createRecoveryKeyFromPassphrase();
        secretStorageKey = key.privateKey;
        await crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => key,
            setupNewSecretStorage: true,
            setupNewKeyBackup: true,
        });
        return key.encodedPrivateKey;
    },
    async wait_for_backup({ count }) {
        await poll("the backup", async () => (await client().getKeyBackupVersion())?.count >= count);
    },
    async take_secrets_from_storage() {
        const crypto = client().getCrypto();
        await crypto.userHasCrossSigningKeys(client().getUserId(), true);
        await crypto.bootstrapCrossSigning({});
    },
    async restore_backup() {
        const crypto = client().getCrypto();
        await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const { imported, total } = await crypto.restoreKeyBackup();
        return { imported, total };
    },
    async dehydrate() {
        const crypto = client().getCrypto();
        // The client learns of what it stored itself when sync brings it.
        await poll("secret storage", () => crypto.isSecretStorageReady());
        await crypto.startDehydration();
    },
    async device_trust({ user_id, device_id }) {
        const status = await client().getCrypto().getDeviceVerificationStatus(user_id, device_id);
        const { signedByOwner, crossSigningVerified, localVerified } = status;
        return { signedByOwner, crossSigningVerified, localVerified };
    },
    async wait_for_cross_signed({ user_id, device_id }) {
        const crypto = client().getCrypto();
        await poll("a signature", async () => {
            await crypto.getUserDeviceInfo([user_id], true);
            return (await crypto.getDeviceVerificationStatus(user_id, device_id))?.crossSigningVerified;
        });
    },

    // Verification by comparing emoji. Each verb returns at once, so that two actors can take turns.
    async request_verification({ user_id, device_id }) {
        request = await client().getCrypto().requestDeviceVerification(user_id, device_id);
        return request.transactionId;
    },
    async accept_verification() {
        request = await poll("a verification request", () => incoming);
        incoming = undefined;
        await request.accept();
    },
    async start_sas() {
        await poll("an accepted request", () => request.phase === VerificationPhase.Ready);
        follow(await request.startVerification("m.sas.v1"));
    },
    async join_sas() {
        follow(await poll("a started verification", () => request.verifier));
    },
    async sas_emoji() {
        return (await poll("the emoji", () => sas)).sas.emoji.map(([symbol]) => symbol);
    },
    async sas_names() {
        return (await poll("the emoji", () => sas)).sas.emoji.map(([, name]) => name);
    },
    async confirm_sas() {
        await sas.confirm();
    },
    async wait_for_verification() {
        await verified;
    },
});
