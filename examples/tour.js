// A tour of code mode, over the notes and the database of a small ferry company:
//
//     codemode run examples/tour.js --tools examples/tools.py
//
// The question: which of our incidents came from a deploy, who noticed first, and does the Friday freeze earn its
// keep? The answer lies in a directory of notes and three tables. Without code mode an agent asks for them one by one,
// and every file and every row passes through its context. Here it writes this script, once, and reads the report.

import { list, read, grep } from "tools/files.js";
import { query, schema } from "tools/db.js";
// "tools.js" has every tool, as files__list, db__query and so on, and ALL_TOOLS, which describes them.

// What crosses from the tools into this script stays in this script. The meter tells how much that is.
const meter = { calls: 0, failed: 0, characters: 0 };
const began = Date.now();

async function metered(call) {
  meter.calls += 1;
  try {
    const result = await call;
    meter.characters += JSON.stringify(result).length;
    return result;
  } catch (error) {
    meter.failed += 1;
    throw error;
  }
}

const rowsOf = async (sql, parameters = []) => (await metered(query({ sql, parameters }))).rows;
const minutesBetween = (from, to) => (new Date(to) - new Date(from)) / 60_000;

// ── 1. Everything that depends on nothing, at the same time ─────────────────────────────────────────────────────
const [tables, notes, policy, actions, services, deploys] = await Promise.all([
  metered(schema()),
  metered(list({ directory: "incidents" })),
  metered(read({ path: "policies/deploys.md" })),
  metered(grep({ pattern: "^- \\[ \\] ", directory: "incidents" })),
  rowsOf("SELECT name, team, tier FROM services"),
  rowsOf("SELECT id, service, author, lines_changed, deployed_at FROM deploys ORDER BY deployed_at"),
]);
const serviceByName = new Map(services.map((service) => [service.name, service]));
const rowCount = Object.fromEntries(tables.map((table) => [table.name, table.row_count]));

// ── 2. Each incident in its own time: its note, then what its note points to ────────────────────────────────────
const incidents = await Promise.all(
  notes.map(async ({ path }) => {
    const incident = parseNote(await metered(read({ path })));
    const [tickets, runbook] = await Promise.all([
      rowsOf(
        `SELECT id, subject, opened_at FROM tickets
         WHERE service = ? AND opened_at BETWEEN ? AND ? ORDER BY opened_at`,
        [incident.service, incident.started, incident.resolved],
      ),
      runbookState(incident),
    ]);
    return { ...incident, tickets, runbook, team: serviceByName.get(incident.service).team };
  }),
);

// A call that fails rejects with a ToolError, and harms no sibling. Which failure it is, its code says.
async function runbookState({ service, resolved }) {
  try {
    const runbook = await metered(read({ path: `runbooks/${service}.md` }));
    return field(runbook, "Reviewed") > resolved.slice(0, 10) ? "reviewed since" : "not reviewed since";
  } catch (error) {
    if (error.code !== "not_found") throw error;
    return `none (${error.name}: ${error.code})`;
  }
}

// ── 3. Join, in plain JavaScript ────────────────────────────────────────────────────────────────────────────────
const freeze = parseFreeze(field(policy, "Freeze"));
const guilty = new Set(incidents.map((incident) => incident.deploy));
const inFreeze = deploys.filter((deploy) => freeze(new Date(deploy.deployed_at)));
const outside = deploys.filter((deploy) => !inFreeze.includes(deploy));
const broke = (some) => some.filter((deploy) => guilty.has(deploy.id)).length;
const percent = (part, whole) => `${Math.round((100 * part) / whole)} %`;
const oneIn = (some) => `${broke(some)} of ${some.length} (${percent(broke(some), some.length)})`;

const downtime = Object.entries(Object.groupBy(incidents, (incident) => incident.team))
  .map(([team, theirs]) => ({
    team,
    minutes: theirs.reduce((sum, { started, resolved }) => sum + minutesBetween(started, resolved), 0),
    tickets: theirs.reduce((sum, { tickets }) => sum + tickets.length, 0),
  }))
  .sort((a, b) => b.minutes - a.minutes);

// ── 4. Say what matters, keep the rest ──────────────────────────────────────────────────────────────────────────
const report = [
  `Skerry Lines: ${incidents.length} incidents, ${rowCount.deploys} deploys, ${rowCount.tickets} tickets`,
  "",
  ...columns(
    ["incident", "service", "minutes", "caused by", "tickets", "first to notice", "runbook"],
    incidents.map((incident) => [
      incident.id,
      incident.service,
      minutesBetween(incident.started, incident.resolved),
      incident.deploy === "none" ? "no deploy" : incident.deploy,
      incident.tickets.length,
      firstToNotice(incident),
      incident.runbook,
    ]),
  ),
  "",
  `Deploys in the freeze (${field(policy, "Freeze")}) that broke something: ${oneIn(inFreeze)}`,
  `Deploys at other times that broke something: ${oneIn(outside)}`,
  "",
  ...columns(
    ["team", "minutes", "tickets"],
    downtime.map(({ team, minutes, tickets }) => [team, minutes, tickets]),
  ),
  "",
  `Actions still open: ${actions.length}`,
  ...actions.map(({ path, text }) => `  ${path.match(/INC-\d+/)[0]}  ${text.slice("- [ ] ".length)}`),
].join("\n");
text(report);

text(
  [
    "",
    `${meter.calls} calls, ${meter.failed} of them failed, in one exec: ${Date.now() - began} ms.`,
    `The tools returned ${meter.characters} characters to this script; the model reads the ${report.length} above.`,
  ].join("\n"),
);

// The next exec of the session may go on from here: load("incidents") costs no call.
store("incidents", incidents);
console.log(`stored ${incidents.length} incidents with ${incidents.flatMap(({ tickets }) => tickets).length} tickets`);

// ── Reading the notes ───────────────────────────────────────────────────────────────────────────────────────────
function field(note, name) {
  return note.match(new RegExp(`^- ${name}: (.*)$`, "m"))[1];
}

function parseNote(note) {
  const [, id] = note.match(/^# (INC-\d+): /);
  const [service, started, detected, resolved, deploy] = ["Service", "Started", "Detected", "Resolved", "Deploy"].map(
    (name) => field(note, name),
  );
  return { id, service, started, detected, resolved, deploy };
}

/** "Friday 15:00 to Monday 07:00, UTC" as a test of times. */
function parseFreeze(policy) {
  const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  const minuteOfWeek = (day, hour, minute) => (day * 24 + hour) * 60 + minute;
  const [from, to] = [...policy.matchAll(/(\w+day) (\d\d):(\d\d)/g)].map(([, day, hour, minute]) =>
    minuteOfWeek(days.indexOf(day), Number(hour), Number(minute)),
  );
  return (time) => {
    const minute = minuteOfWeek(time.getUTCDay(), time.getUTCHours(), time.getUTCMinutes());
    return minute >= from || minute < to; // it goes over the end of the week
  };
}

function firstToNotice({ started, detected, tickets }) {
  const [first] = tickets;
  if (first === undefined || first.opened_at >= detected) return `we, after ${minutesBetween(started, detected)} min`;
  return `customers, ${minutesBetween(first.opened_at, detected)} min before us`;
}

function columns(head, rows) {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const isNumber = (column) => rows.every((row) => typeof row[column] === "number");
  return lines.map((line) =>
    line
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ")
      .trimEnd(),
  );
}
