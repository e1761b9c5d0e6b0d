/**
 * A backend of codex archive in TypeScript. It keeps archives in files of SQLite.
 *
 * It takes nothing from codex but archive.proto, whose head says what this file
 * does. archive.ts holds the messages: "npm run proto" makes it of archive.proto.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { NAME, PROTOCOL, Service } from "./service.js";

const HELP = `This program is a backend of codex archive. codex starts it by itself when
backend.type is "${NAME}".

  --listen tcp:127.0.0.1:PORT  serve one address, for codex plugin test --attach
`;

const END_TIME = 1500; // milliseconds to roll back and close: the host waits 2,000 before it kills

/** Be a backend for the host that started this program, until it closes standard input. */
async function serveHost(): Promise<void> {
  process.umask(0o077);
  process.on("SIGINT", () => {}); // the host's business
  console.log = console.error; // standard output belongs to the greeting
  const service = new Service();
  const socket = join(process.env.PLUGIN_UNIX_SOCKET_DIR ?? ".", `${process.pid}.sock`);
  await service.serve(`unix:${socket}`);
  process.on("SIGTERM", () => end(service));
  process.stdin.on("close", () => end(service)).resume();
  writeSync(1, `1|${PROTOCOL}|unix|${socket}|grpc|\n`);
}

/** Serve an address for a host that attaches, until SIGINT or SIGTERM. */
async function listen(where: string): Promise<void> {
  const address = /^tcp:(.*):\d+$/.exec(where);
  if (!address) {
    throw new Error(`--listen: found ${JSON.stringify(where)}, allowed tcp:HOST:PORT`);
  }
  const service = new Service();
  const port = await service.serve(where.slice("tcp:".length));
  process.on("SIGINT", () => end(service));
  process.on("SIGTERM", () => end(service));
  process.stderr.write(`serving ${NAME} on tcp:${address[1]}:${port}\n`);
}

/** Roll back, close and exit, in END_TIME whatever hangs: what is not committed then never was. */
function end(service: Service): void {
  setTimeout(() => process.exit(1), END_TIME);
  service.end().finally(() => process.exit(0));
}

const [, , flag, address] = process.argv;
if (process.env.CODEX_ARCHIVE_PLUGIN === "archive-backend") {
  await serveHost();
} else if (flag === "--listen" && address !== undefined) {
  await listen(address);
} else {
  process.stderr.write(HELP);
  process.exitCode = 2;
}
