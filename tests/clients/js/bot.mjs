// An application service on matrix-bot-sdk: its user @_bot_answers joins whatever room it is invited to, and answers
// "ping …" with "pong …". usage: node bot.mjs SERVER_URL PORT REGISTRATION_FILE STORAGE_FILE
import fs from "node:fs";
import http from "node:http";
import sdk from "matrix-bot-sdk";

// A server that is killed after it took an answer and before it said so fails the answer: no reason for a bot to end.
process.on("unhandledRejection", (error) => console.error("not answered:", error));

const [homeserverUrl, port, registrationFile, storageFile] = process.argv.slice(2);
sdk.LogService.setLevel(sdk.LogLevel.ERROR);
const service = new sdk.Appservice({
    port: Number(port),
    bindAddress: "127.0.0.1",
    homeserverName: "localhost",
    homeserverUrl,
    registration: JSON.parse(fs.readFileSync(registrationFile)),
    // Which transactions are done with outlives this process.
    storage: new sdk.SimpleFsStorageProvider(storageFile),
});
sdk.AutojoinRoomsMixin.setupOnAppservice(service);
service.on("query.user", (_user, create) => create({ display_name: "Answers" }));
service.on("room.message", async (roomId, event) => {
    const text = event.content?.body ?? "";
    if (!text.startsWith("ping ")) return;
    const answers = service.getIntentForUserId("@_bot_answers:localhost");
    await answers.ensureRegisteredAndJoined(roomId);
    await answers.sendText(roomId, text.replace("ping", "pong"));
});
await service.botIntent.ensureRegistered();
// Versions without native code look for the server's token where it was before Matrix 1.4.
http.createServer((request, response) => {
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    request.url += `${request.url.includes("?") ? "&" : "?"}access_token=${encodeURIComponent(token)}`;
    service.expressAppInstance(request, response);
}).listen(Number(port), "127.0.0.1");
