"""The examples run through the real command line, and what they print is true of their data.

The facts are computed here from the files, by other means than the examples use: csv and plain Python.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTES = EXAMPLES / "data" / "notes"
TOUR = ("run", str(EXAMPLES / "tour.js"), "--tools", str(EXAMPLES / "tools.py"))


# ── running them ──────────────────────────────────────────────────────────────────────────────────────────────


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CODEMODE_EXAMPLES_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def codemode(*arguments: str, cwd: Path, **environment: str) -> str:
    ended = python("-m", "codemode", *arguments, cwd=cwd, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run_code(code: str, cwd: Path, **environment: str) -> Any:
    """What a script with the example tools gives to `text`, read as JSON."""
    return json.loads(codemode("run", "--tools", str(EXAMPLES / "tools.py"), "-e", code, cwd=cwd, **environment))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tour as `--json` tells it, run from a directory that is not the examples'."""
    found: dict[str, Any] = json.loads(codemode(*TOUR, "--json", cwd=tmp_path_factory.mktemp("elsewhere")))
    return found


@pytest.fixture(scope="module")
def report(document: dict[str, Any]) -> list[str]:
    return "\n".join(item["text"] for item in document["items"]).split("\n")


# ── the facts ─────────────────────────────────────────────────────────────────────────────────────────────────


def table(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / "data" / "db" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60


@dataclass(frozen=True)
class Incident:
    id: str
    service: str
    started: datetime
    detected: datetime
    resolved: datetime
    deploy: str
    open_actions: tuple[str, ...]

    @property
    def tickets(self) -> list[datetime]:
        opened = (time(row["opened_at"]) for row in table("tickets") if row["service"] == self.service)
        return sorted(moment for moment in opened if self.started <= moment <= self.resolved)

    @property
    def minutes(self) -> int:
        return minutes(self.resolved - self.started)

    @property
    def first_to_notice(self) -> str:
        if self.tickets and self.tickets[0] < self.detected:
            return f"customers, {minutes(self.detected - self.tickets[0])} min before us"
        return f"we, after {minutes(self.detected - self.started)} min"

    @property
    def runbook(self) -> str:
        path = NOTES / "runbooks" / f"{self.service}.md"
        if not path.exists():
            return "none (ToolError: not_found)"
        (reviewed,) = [
            line.removeprefix("- Reviewed: ")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("- Reviewed: ")
        ]
        return "reviewed since" if date.fromisoformat(reviewed) > self.resolved.date() else "not reviewed since"


def read_incident(path: Path) -> Incident:
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = dict(line[2:].split(": ", 1) for line in lines if line.startswith("- ") and ": " in line)
    return Incident(
        id=path.stem,
        service=fields["Service"],
        started=time(fields["Started"]),
        detected=time(fields["Detected"]),
        resolved=time(fields["Resolved"]),
        deploy=fields["Deploy"],
        open_actions=tuple(line.removeprefix("- [ ] ") for line in lines if line.startswith("- [ ] ")),
    )


INCIDENTS = [read_incident(path) for path in sorted((NOTES / "incidents").glob("*.md"))]


def is_frozen(moment: datetime) -> bool:
    """Friday 15:00 to Monday 07:00, as policies/deploys.md has it."""
    match moment.strftime("%a"):
        case "Fri":
            return moment.hour >= 15
        case "Mon":
            return moment.hour < 7
        case day:
            return day in {"Sat", "Sun"}


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


# ── the data ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_notes_name_is_in_the_tables() -> None:
    services = {row["name"] for row in table("services")}
    deploys = {row["id"]: row for row in table("deploys")}
    assert {incident.service for incident in INCIDENTS} <= services
    assert {row["service"] for row in [*table("deploys"), *table("tickets")]} <= services
    assert {path.stem for path in (NOTES / "runbooks").glob("*.md")} <= services
    for incident in INCIDENTS:
        assert incident.started < incident.detected < incident.resolved
        if incident.deploy != "none":
            assert deploys[incident.deploy]["service"] == incident.service
            assert time(deploys[incident.deploy]["deployed_at"]) < incident.started
    for path in NOTES.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"\bD-\d+", text)) <= deploys.keys()
        assert set(re.findall(r"\bINC-\d+", text)) <= {incident.id for incident in INCIDENTS}


# ── the tour ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tour_completes_and_fits_on_a_screen(document: dict[str, Any], report: list[str]) -> None:
    assert (document["status"], document["error"]) == ("completed", None)
    assert len(report) < 40


def test_the_tour_counts_the_rows(report: list[str]) -> None:
    counts = f"{len(INCIDENTS)} incidents, {len(table('deploys'))} deploys, {len(table('tickets'))} tickets"
    assert report[0] == f"Skerry Lines: {counts}"


def test_the_tour_joins_each_incident_with_its_deploy_its_tickets_and_its_runbook(report: list[str]) -> None:
    assert [cells(line) for line in report if re.match(r"INC-\d+ ", line)] == [
        [
            incident.id,
            incident.service,
            str(incident.minutes),
            "no deploy" if incident.deploy == "none" else incident.deploy,
            str(len(incident.tickets)),
            incident.first_to_notice,
            incident.runbook,
        ]
        for incident in INCIDENTS
    ]


def test_the_tour_tells_what_the_freeze_is_worth(report: list[str]) -> None:
    guilty = {incident.deploy for incident in INCIDENTS}

    def share(rows: list[dict[str, str]]) -> str:
        broke = sum(row["id"] in guilty for row in rows)
        return f"{broke} of {len(rows)} ({100 * broke / len(rows):.0f} %)"

    frozen = [row for row in table("deploys") if is_frozen(time(row["deployed_at"]))]
    others = [row for row in table("deploys") if row not in frozen]
    assert frozen
    assert [line for line in report if line.startswith("Deploys")] == [
        f"Deploys in the freeze (Friday 15:00 to Monday 07:00, UTC) that broke something: {share(frozen)}",
        f"Deploys at other times that broke something: {share(others)}",
    ]


def test_the_tour_adds_up_minutes_and_tickets_by_team(report: list[str]) -> None:
    team_of = {row["name"]: row["team"] for row in table("services")}
    sums: dict[str, tuple[int, int]] = {}
    for incident in INCIDENTS:
        spent, tickets = sums.get(team_of[incident.service], (0, 0))
        sums[team_of[incident.service]] = (spent + incident.minutes, tickets + len(incident.tickets))
    head = next(place for place, line in enumerate(report) if cells(line) == ["team", "minutes", "tickets"])
    assert [cells(line) for line in report[head + 1 : head + 1 + len(sums)]] == [
        [team, str(spent), str(tickets)]
        for team, (spent, tickets) in sorted(sums.items(), key=lambda entry: -entry[1][0])
    ]


def test_the_tour_lists_the_actions_that_are_open(report: list[str]) -> None:
    actions = [f"  {incident.id}  {action}" for incident in INCIDENTS for action in incident.open_actions]
    head = report.index(f"Actions still open: {len(actions)}")
    assert report[head + 1 : head + 1 + len(actions)] == actions


def test_the_calls_that_the_tour_counts_are_those_of_the_ledger(document: dict[str, Any], report: list[str]) -> None:
    failed = [call for call in document["calls"] if call["status"] != "ok"]
    without_runbook = [incident for incident in INCIDENTS if incident.runbook.startswith("none")]
    assert [(call["tool"], call["code"]) for call in failed] == [("files__read", "not_found")] * len(without_runbook)
    (line,) = [line for line in report if " in one exec: " in line]
    assert line.startswith(f"{len(document['calls'])} calls, {len(failed)} of them failed, in one exec: ")


def test_the_tour_says_the_same_each_time_apart_from_its_duration(report: list[str]) -> None:
    again = codemode(*TOUR, cwd=EXAMPLES.parent)

    def timeless(text: str) -> str:
        return re.sub(r"\d+ ms", "N ms", text)

    assert timeless(again.rstrip("\n")) == timeless("\n".join(report))


# ── the agent ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_agent_prints_what_its_model_would_read(tmp_path: Path) -> None:
    ended = python(str(EXAMPLES / "agent.py"), cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    services = [row["service"] for row in table("tickets")]
    ranked = sorted(set(services), key=lambda service: (-services.count(service), service))
    lines = ended.stdout.splitlines()
    assert (lines[0], lines[2]) == ("Script completed", "Output:")
    assert lines[3:] == [
        *(
            f"{service}: {services.count(service)} tickets, "
            f"{sum(incident.service == service for incident in INCIDENTS)} incident notes"
            for service in ranked[:3]
        ),
        f"{1 + len(ranked)} calls, {1 + len(ranked)} of them ok",
    ]


def test_the_asyncio_agent_counts_the_words_of_the_runbooks(tmp_path: Path) -> None:
    ended = python(str(EXAMPLES / "asyncio_agent.py"), cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    words = {path.stem: len(path.read_text("utf-8").split()) for path in NOTES.glob("runbooks/*.md")}
    assert ended.stdout.splitlines() == [
        "[runbooks: ok]",
        *["[words: ok]"] * len(words),
        *(f"{name}: {count} words" for name, count in sorted(words.items())),
    ]


def test_the_plain_script_finds_the_first_ticket_of_high_priority(tmp_path: Path) -> None:
    ended = python(str(EXAMPLES / "plain_script.py"), cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    high = sorted(row["id"] for row in table("tickets") if row["priority"] == "high")
    assert ended.stdout.splitlines() == [f"{len(high)} tickets of high priority", f"the first of them: {high[0]}"]


# ── the tools ─────────────────────────────────────────────────────────────────────────────────────────────────

HOW_IT_FAILS = """
async function failure(call) {
    try { await call; return null } catch ({ code, message }) { return { code, message } }
}
"""


@pytest.mark.parametrize(
    "path", ["../db/schema.sql", "incidents/../../../tools.py", str(EXAMPLES / "tools.py"), "/etc/passwd", ".."]
)
def test_a_path_that_leaves_the_directory_is_denied(path: str, tmp_path: Path) -> None:
    place = json.dumps(path)
    code = f"""{HOW_IT_FAILS}
        text(await Promise.all([
            failure(tools.files__read({{ path: {place} }})),
            failure(tools.files__list({{ directory: {place} }})),
            failure(tools.files__grep({{ pattern: "", directory: {place} }})),
        ]))"""
    for failure in run_code(code, tmp_path):
        assert failure["code"] == "denied"
        assert f"{path!r} is outside of the directory" in failure["message"]


def test_a_symbolic_link_does_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "plain.txt").write_text("inside\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("outside\n", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    code = f"""{HOW_IT_FAILS}
        text([
            (await tools.files__list()).map(({{ path }}) => path),
            (await tools.files__grep({{ pattern: "side" }})).map(({{ text }}) => text),
            (await failure(tools.files__read({{ path: "link.txt" }}))).code,
        ])"""
    given = run_code(code, tmp_path, CODEMODE_EXAMPLES_FILES=str(root))
    assert given == [["plain.txt"], ["inside"], "denied"]


def test_only_reading_is_allowed_in_the_database(tmp_path: Path) -> None:
    database = tmp_path / "own.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE boats (name TEXT)")
        connection.execute("INSERT INTO boats VALUES ('Auk')")
    connection.close()
    statements = ["DELETE FROM boats", f"ATTACH '{tmp_path / 'new.sqlite'}' AS other", "PRAGMA user_version = 1"]
    code = f"""{HOW_IT_FAILS}
        const failures = await Promise.all({statements}.map((sql) => failure(tools.db__query({{ sql }}))));
        text([failures.map(({{ code }}) => code), (await tools.db__query({{ sql: "SELECT * FROM boats" }})).rows])"""
    given = run_code(code, tmp_path, CODEMODE_EXAMPLES_DB=str(database))
    assert given == [["denied"] * len(statements), [{"name": "Auk"}]]
    assert not (tmp_path / "new.sqlite").exists()


def test_queries_take_parameters_by_place_and_by_name(tmp_path: Path) -> None:
    code = """
        const sql = (where) => `SELECT name FROM services WHERE team = ${where} ORDER BY name`;
        const [placed, named] = await Promise.all([
            tools.db__query({ sql: sql("?"), parameters: ["Ledger"] }),
            tools.db__query({ sql: sql(":team"), parameters: { team: "Ledger" } }),
        ]);
        text([placed, named])"""
    ledger = sorted(row["name"] for row in table("services") if row["team"] == "Ledger")
    expected = {"rows": [{"name": name} for name in ledger], "truncated": False}
    assert run_code(code, tmp_path) == [expected, expected]


def test_calls_that_come_all_at_once_find_the_database_whole_and_leave_nothing_behind(tmp_path: Path) -> None:
    code = """
        const counts = Array.from({ length: 60 }, () => tools.db__query({ sql: "SELECT count(*) AS n FROM tickets" }));
        text((await Promise.all(counts)).map(({ rows: [{ n }] }) => n))"""
    assert run_code(code, tmp_path, TMPDIR=str(tmp_path)) == [len(table("tickets"))] * 60
    assert list(tmp_path.glob("codemode-examples-*")) == []
