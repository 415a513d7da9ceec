// An application service on matrix-appservice: notes the IDs of the events it is told of, one a line.
// usage: node appservice.mjs PORT HS_TOKEN FILE
import fs from "node:fs";
import appservice from "matrix-appservice";

const [port, homeserverToken, file] = process.argv.slice(2);
const service = new appservice.AppService({ homeserverToken });

service.on("event", (event) => fs.appendFileSync(file, event.event_id + "\n"));
service.onUserQuery = async () => {};
await service.listen(Number(port), "127.0.0.1", 10);
