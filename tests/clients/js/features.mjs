// Every method of the newest matrix-js-sdk's client against a server. usage: node features.mjs SETTINGS_AS_JSON
// Prints a line of JSON for each feature, and one with the methods that exist and those that did what they were asked.
import { features, methods, Server, succeeded } from "./features_recorded.mjs";
import "./features_accounts.mjs";
import "./features_encryption.mjs";
import "./features_rooms.mjs";
import "./features_server.mjs";
import "./features_talk.mjs";

const settings = JSON.parse(process.argv[2]);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
for (const [feature, act] of features) {
    const server = new Server(settings);
    let error = null;
    try {
        await act(server);
    } catch (thrown) {
        error = thrown.stack ?? String(thrown);
    }
    server.close();
    print({ feature, error });
}
print({ methods, succeeded: [...succeeded] });
process.exit(0);
