// The newest matrix-js-sdk with a memory: which methods of its client did what they were asked. Features are in features_*.mjs.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";

// Newer than the Node.js of Debian.
globalThis.crypto ??= webcrypto;
Promise.withResolvers ??= function () {
    let resolve, reject;
    const promise = new this((...both) => ([resolve, reject] = both));
    return { promise, resolve, reject };
};
console.log = console.info = console.debug = console.warn = console.error = () => {};
export const sdk = await import("matrix-js-sdk-newest");
const { logger } = await import("matrix-js-sdk-newest/lib/logger.js");
logger.setLevel("silent");

export const PASSWORD = "correct horse battery staple";
const patienceMs = 60000;
export const succeeded = new Set();
export const features = new Map();
export const feature = (name, act) => features.set(name, act);

const prototype = sdk.MatrixClient.prototype;
const isMethod = (name) => typeof Object.getOwnPropertyDescriptor(prototype, name).value === "function";
export const methods = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor" && isMethod(name));
for (const name of methods) {
    const method = prototype[name];
    prototype[name] = function (...values) {
        const result = method.apply(this, values);
        if (result instanceof Promise) result.then(() => succeeded.add(name), () => {});
        else succeeded.add(name);
        return result;
    };
}

let number = 0;
export const unique = (word) => `js-${word}-${++number}`;

export async function refused(errcode, promise) {
    await assert.rejects(promise, (error) => error.errcode === errcode || assert.fail(`${error} instead of ${errcode}`));
}

export async function poll(what, look) {
    for (const giveUp = Date.now() + patienceMs; ; ) {
        const result = await look();
        if (result) return result;
        if (Date.now() > giveUp) throw new Error(`gave up waiting for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

// Where the features act, and who they are there.
export class Server {
    constructor(settings) {
        Object.assign(this, settings);
        this.clients = [];
    }

    client(session = {}, options = {}) {
        const { access_token: accessToken, user_id: userId, device_id: deviceId } = session;
        const client = sdk.createClient({ baseUrl: this.baseUrl, accessToken, userId, deviceId, timelineSupport: true, ...options });
        this.clients.push(client);
        return client;
    }

    // A fresh account, signed in on its first device.
    async user(word = "user", options) {
        const body = { username: unique(word), password: PASSWORD, auth: { type: "m.login.dummy" } };
        return this.client(await this.client().registerRequest(body), options);
    }

    async deviceOf(client, options) {
        return this.client(await this.client().loginWithPassword(client.getUserId(), PASSWORD), options);
    }

    close() {
        this.clients.forEach((client) => client.stopClient());
    }
}

export function passwordAuth(client, session) {
    return { type: "m.login.password", identifier: { type: "m.id.user", user: client.getUserId() }, password: PASSWORD, session };
}

// User-interactive authentication as clients do it: ask, be refused with a session, prove who one is.
export async function withAuth(client, request) {
    let session;
    await assert.rejects(request(undefined), (error) => {
        session = error.data?.session;
        return error.httpStatus === 401 && session !== undefined;
    });
    return request(passwordAuth(client, session));
}

export async function start(...clients) {
    for (const client of clients) await client.startClient({ initialSyncLimit: 20, pollTimeout: 5000, threadSupport: true });
    for (const client of clients) await poll("the first sync", () => client.isInitialSyncComplete());
}

// Two people in a room, both syncing.
export async function meeting(server, options = {}) {
    const anna = await server.user("anna");
    const ben = await server.user("ben");
    const { room_id } = await anna.createRoom({ preset: "private_chat", invite: [ben.getUserId()], ...options });
    await ben.joinRoom(room_id);
    await start(anna, ben);
    for (const client of [anna, ben]) await poll("the room", () => client.getRoom(room_id)?.getJoinedMemberCount() === 2);
    return [anna, ben, room_id];
}

export const hears = (client, roomId, eventId) => poll("the event", () => client.getRoom(roomId)?.findEventById(eventId));
