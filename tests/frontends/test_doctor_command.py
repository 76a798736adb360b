"""`codemode doctor` as a command: what it prints, and its exit status."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest

from codemode.errors import WorkerUnavailable
from codemode.frontends.cli import main
from codemode.frontends.commands import doctor
from codemode.frontends.doctor.check import Check

GOOD = Check("fence", "landlock", True, "alone it refuses: list / (EACCES)")
BAD = Check("limit", "max_cpu_s", False, "the script ended with worker_crashed")


@pytest.fixture
def doctor_finds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What its checks come to."""

    def finds(*checks: Check, error: Exception | None = None) -> None:
        async def all_checks() -> AsyncIterator[Check]:
            for check in checks:
                yield check
            if error is not None:
                raise error

        monkeypatch.setattr(doctor, "all_checks", all_checks)

    return finds


def test_it_prints_a_line_for_each_check_and_a_verdict(
    doctor_finds: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_finds(GOOD, GOOD)

    assert main(["doctor"]) == 0
    line = "PASS  fence    landlock: alone it refuses: list / (EACCES)\n"
    assert capsys.readouterr().out == f"{line}{line}\nAll 2 checks passed.\n"


def test_it_says_what_was_not_proved_and_exits_with_1(
    doctor_finds: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_finds(GOOD, BAD)

    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "FAIL  limit    max_cpu_s: the script ended with worker_crashed",
        "",
        "1 of 2 checks FAILED: max_cpu_s",
    ]


def test_with_json_it_prints_one_document(
    doctor_finds: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_finds(GOOD, BAD)

    assert main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["proven"] is False
    assert document["checks"][1] == {
        "group": "limit",
        "name": "max_cpu_s",
        "passed": False,
        "found": "the script ended with worker_crashed",
    }


def test_where_no_worker_can_be_had_it_exits_with_4(
    doctor_finds: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_finds(GOOD, error=WorkerUnavailable("the system gave no pipe"))

    assert main(["doctor"]) == 4
    assert capsys.readouterr().err == "codemode: no worker could be started: the system gave no pipe\n"
