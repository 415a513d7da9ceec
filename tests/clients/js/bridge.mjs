// A bridge on matrix-appservice-bridge, to a network where everybody says the same: it makes the users @_net_… and the rooms
// #_net_… that somebody asks for, answers "ping …" with "pong …" as @_net_echo, and knows the network's places.
// usage: node bridge.mjs SERVER_URL PORT REGISTRATION_FILE
import Module from "node:module";

// Its native crypto is not on npm, and nothing here encrypts.
const load = Module._load;
const nativeCrypto = "@matrix-org/matrix-sdk-crypto-nodejs";
Module._load = (name, ...rest) => (name === nativeCrypto ? new Proxy({}, { get: () => class {} }) : load(name, ...rest));
const { Bridge, Logger } = (await import("matrix-appservice-bridge")).default;

// A server that is killed after it took an answer and before it said so fails the answer: no reason for a bridge to end.
process.on("unhandledRejection", (error) => console.error("not answered:", error));

const [homeserverUrl, port, registration] = process.argv.slice(2);
Logger.configure({ console: "off" });
const bridge = new Bridge({
    homeserverUrl,
    domain: "localhost",
    registration,
    disableStores: true,
    controller: {
        onUserQuery: (user) => ({ name: `${user.localpart} of the network` }),
        onAliasQuery: (_alias, localpart) => ({ creationOpts: { room_alias_name: localpart, preset: "public_chat" } }),
        onEvent: async (request) => {
            const event = request.getData();
            const echo = bridge.getIntent("@_net_echo:localhost");
            if (event.type === "m.room.member" && event.content.membership === "invite" && event.state_key === echo.userId)
                await echo.join(event.room_id);
            if (event.type === "m.room.message" && event.content.body?.startsWith("ping "))
                await echo.sendText(event.room_id, event.content.body.replace("ping", "pong"));
        },
        thirdPartyLookup: {
            protocols: ["net"],
            getProtocol: () => ({ user_fields: ["nick"], location_fields: ["channel"], icon: "", field_types: {}, instances: [] }),
            getLocation: (protocol, fields) => [{ alias: `#_net_${fields.channel}:localhost`, protocol, fields }],
        },
    },
});
await bridge.run(Number(port), undefined, "127.0.0.1");
