// matrix-js-sdk as an actor: reads commands as JSON lines from stdin ({"id", "do", …}), answers each with
// {"id", "result"} or {"id", "error"} on stdout. The verbs are those of actors.py.
import readline from "node:readline";

// The answers own stdout, and what is wrong is told on stderr. The library keeps the console functions that it finds when it is loaded.
console.log = console.info = console.debug = () => {};
const { createClient, ClientEvent, EventType, MatrixEventEvent, RoomEvent } = await import("matrix-js-sdk");
const { cryptoCallbacks, cryptoVerbs, startCrypto } = await import("./crypto.mjs");
const { SlidingSync } = await import("matrix-js-sdk/lib/sliding-sync.js");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
logger.setLevel("error");

let client;
let online = true;
const patienceMs = 60000;

function signedIn({ baseUrl }, answer) {
    client = createClient({
        baseUrl,
        accessToken: answer.access_token,
        userId: answer.user_id,
        deviceId: answer.device_id,
        timelineSupport: true,
        cryptoCallbacks,
        fetchFn: (...request) => (online ? fetch(...request) : Promise.reject(new TypeError("no network"))),
    });
    return { user_id: answer.user_id, device_id: answer.device_id };
}

// Resolves with the first true result of `look`, tried now and whenever the client hears of something.
async function until(what, look) {
    const heard = [ClientEvent.Event, ClientEvent.Room, ClientEvent.Sync, RoomEvent.MyMembership, RoomEvent.Receipt];
    heard.push(MatrixEventEvent.Decrypted);
    return new Promise((resolve, reject) => {
        const stop = () => {
            clearTimeout(timer);
            heard.forEach((event) => client.off(event, attempt));
        };
        const attempt = () => {
            const result = look();
            if (!result) return;
            stop();
            resolve(result);
        };
        const timer = setTimeout(() => {
            stop();
            reject(new Error(`gave up waiting for ${what}`));
        }, patienceMs);
        heard.forEach((event) => client.on(event, attempt));
        attempt();
    });
}

// The library's own client of sliding sync. Of this version it is made for the proposal before (MSC3575): what it said
// once it does not repeat. The simplified one (MSC4186) has another address, and every request says everything.
function slidingSyncOf(client) {
    const authedRequest = client.http.authedRequest.bind(client.http);
    const simplified = "/_matrix/client/unstable/org.matrix.simplified_msc3575";
    const said = { lists: {}, extensions: {} };
    const complete = (body) => {
        for (const part of Object.keys(said))
            for (const [name, value] of Object.entries(body[part] ?? {})) said[part][name] = { ...said[part][name], ...value };
        return { ...body, ...said };
    };
    client.http.authedRequest = (method, path, query, body, options) =>
        options?.prefix?.endsWith("msc3575")
            ? authedRequest(method, path, query, complete(body), { ...options, prefix: simplified })
            : authedRequest(method, path, query, body, options);
    const room = { required_state: [["*", "*"]], timeline_limit: 20 };
    const lists = new Map([["all", { ranges: [[0, 999]], ...room }]]);
    return new SlidingSync(client.baseUrl, lists, room, client, 10000);
}

// In base64. The library makes the address, also that of a thumbnail; who downloads shows the token.
async function download(client, uri, width, height, method) {
    const address = client.mxcUrlToHttp(uri, width, height, method, false, true, true);
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } });
    if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer()).toString("base64");
}

const timelineOf = (roomId) => client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];

const verbs = {
    ...cryptoVerbs(() => client),
    async register(command) {
        const { username, password } = command;
        const anonymous = createClient({ baseUrl: command.baseUrl });
        let session = null;
        try {
            await anonymous.registerRequest({ username, password });
        } catch (error) {
            if (error.httpStatus !== 401) throw error;
            session = error.data.session;
        }
        const auth = { type: "m.login.dummy", session };
        return signedIn(command, await anonymous.registerRequest({ username, password, auth }));
    },
    async login(command) {
        const anonymous = createClient({ baseUrl: command.baseUrl });
        const identifier = { type: "m.id.user", user: command.username };
        const { password } = command;
        return signedIn(command, await anonymous.login("m.login.password", { identifier, password }));
    },
    async start(command) {
        if (command.crypto && !client.getCrypto()) await startCrypto(client, command);
        const slidingSync = command.sliding ? slidingSyncOf(client) : undefined;
        await client.startClient({ initialSyncLimit: 5, pollTimeout: 10000, slidingSync });
        await until("the first sync", () => client.isInitialSyncComplete());
    },
    async lose_network() {
        online = false;
    },
    async find_network() {
        online = true;
        client.retryImmediately();
    },
    async create_room({ name }) {
        return (await client.createRoom({ name, preset: "private_chat" })).room_id;
    },
    async invite({ room_id, user_id }) {
        await client.invite(room_id, user_id);
    },
    async wait_for_invite({ room_id }) {
        await until("the invitation", () => client.getRoom(room_id)?.getMyMembership() === "invite");
    },
    async join({ room_id }) {
        await client.joinRoom(room_id);
    },
    async send_text({ room_id, text }) {
        return (await client.sendTextMessage(room_id, text)).event_id;
    },
    async wait_for_text({ room_id, text }) {
        const holds = (event) => event.getContent().body === text && !event.isSending();
        return (await until(`"${text}"`, () => timelineOf(room_id).find(holds))).getId();
    },
    async texts_back_to_start({ room_id }) {
        const timeline = client.getRoom(room_id).getLiveTimeline();
        while (await client.paginateEventTimeline(timeline, { backwards: true, limit: 3 }));
        const messages = timelineOf(room_id).filter((event) => event.getType() === EventType.RoomMessage);
        return messages.map((event) => event.getContent().body ?? null);
    },
    async send_picture({ room_id, name, picture, thumbnail }) {
        const upload = async (base64) => {
            const options = { name, type: "image/png" };
            return (await client.uploadContent(Buffer.from(base64, "base64"), options)).content_uri;
        };
        const url = await upload(picture);
        const info = { mimetype: "image/png", size: Buffer.from(picture, "base64").length };
        info.thumbnail_url = await upload(thumbnail);
        return (await client.sendMessage(room_id, { msgtype: "m.image", body: name, url, info })).event_id;
    },
    async read_picture({ room_id, name }) {
        const holds = (event) => event.getContent().body === name && !event.isSending();
        const { url, info } = (await until(`"${name}"`, () => timelineOf(room_id).find(holds))).getContent();
        const uris = [[url], [info.thumbnail_url], [url, 32, 32, "crop"]];
        return Promise.all(uris.map((uri) => download(client, ...uri)));
    },
    async redact({ room_id, event_id }) {
        await client.redactEvent(room_id, event_id);
    },
    async wait_for_redaction({ room_id, event_id }) {
        const redacted = () => client.getRoom(room_id)?.findEventById(event_id)?.isRedacted();
        await until("the redaction", redacted);
    },
    async set_display_name({ name }) {
        await client.setDisplayName(name);
    },
    async display_name({ user_id }) {
        return (await client.getProfileInfo(user_id, "displayname")).displayname;
    },
    async read({ room_id, event_id }) {
        await client.sendReadReceipt(client.getRoom(room_id).findEventById(event_id));
    },
    async wait_for_receipt({ room_id, event_id, user_id }) {
        const read = () => client.getRoom(room_id)?.getEventReadUpTo(user_id, true) === event_id;
        await until("the read receipt", read);
    },
    async logout() {
        await client.logout(true);
    },
    async token_works() {
        try {
            await client.whoami();
            return true;
        } catch (error) {
            if (error.errcode === "M_UNKNOWN_TOKEN") return false;
            throw error;
        }
    },
    async stop() {
        client?.stopClient();
    },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer;
    try {
        answer = { id: command.id, result: (await verbs[command.do](command)) ?? null };
    } catch (error) {
        answer = { id: command.id, error: error.stack ?? String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
process.exit(0);
