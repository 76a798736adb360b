from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codemode

PUT = "import sys, codemode; store = codemode.SqliteStore(sys.argv[1]); store.put(sys.argv[2], sys.argv[3])"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "values.db"


def test_values_are_there_after_the_file_was_closed(path: Path) -> None:
    with codemode.SqliteStore(path) as store:
        store.put("a", "[1]")
        store.put("b", '"é𝒳"')
        store.put("a", None)
    with codemode.SqliteStore(path) as store:
        assert store.load_all() == {"b": '"é𝒳"'}


def test_what_another_process_puts_is_seen_by_the_next_load(path: Path) -> None:
    with codemode.SqliteStore(path) as store:
        store.put("mine", "1")
        assert store.load_all() == {"mine": "1"}
        subprocess.run([sys.executable, "-c", f"{PUT}; store.close()", path, "its", "2"], check=True, timeout=60)
        assert store.load_all() == {"mine": "1", "its": "2"}


def test_a_value_survives_a_process_that_does_not_close_its_store(path: Path) -> None:
    killed = f"{PUT}; import os, signal, time; time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", killed, path, "k", "3"], check=False, timeout=60).returncode == -9
    with codemode.SqliteStore(path) as store:
        assert store.load_all() == {"k": "3"}


def test_a_locked_file_holds_nobody_up_and_is_written_when_it_is_free(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with codemode.SqliteStore(path) as store:
        store.put("before", "0")
        other = sqlite3.connect(path, isolation_level=None, timeout=20)
        other.execute("BEGIN IMMEDIATE")
        for i in range(100):
            store.put("k", str(i))
        store.put("before", None)
        assert store.load_all() == {"k": "99"}
        time.sleep(1.2)  # longer than one attempt
        other.execute("COMMIT")
        other.close()
    with codemode.SqliteStore(path) as store:
        assert store.load_all() == {"k": "99"}
    assert "cannot be written now, and is tried again: database is locked" in caplog.text


def test_what_could_not_be_written_is_named_when_the_store_is_closed(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codemode.host.sqlite_store._CLOSE_S", 0.1)
    store = codemode.SqliteStore(path)
    other = sqlite3.connect(path, isolation_level=None, timeout=20)
    other.execute("BEGIN IMMEDIATE")
    store.put("lost", "1")
    store.close()
    other.close()
    assert "did not keep 'lost'" in caplog.text


def test_stores_of_different_names_share_a_file_and_no_value(path: Path) -> None:
    with codemode.SqliteStore(path, "one") as one, codemode.SqliteStore(path, "two") as two:
        one.put("k", "1")
        two.put("k", "2")
        assert (one.load_all(), two.load_all()) == ({"k": "1"}, {"k": "2"})


def test_what_is_loaded_is_the_callers_own(path: Path) -> None:
    with codemode.SqliteStore(path) as store:
        store.load_all()["k"] = "1"
        assert store.load_all() == {}


def test_a_file_that_is_no_store_is_left_as_it_is(path: Path, tmp_path: Path) -> None:
    with pytest.raises(codemode.UsageError, match="cannot be used: unable to open database file"):
        codemode.SqliteStore(tmp_path)
    path.write_text("no database at all" * 100)
    with pytest.raises(codemode.UsageError, match="cannot be used: file is not a database"):
        codemode.SqliteStore(path)
    other = tmp_path / "other.db"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE x (y)")
    database.close()
    with pytest.raises(codemode.UsageError, match="it holds something else"):
        codemode.SqliteStore(other)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=3), st.none() | st.text(st.characters(codec="utf-8")))
    )
)
def test_it_keeps_what_a_dict_would(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, str | None]]
) -> None:
    model: dict[str, str] = {}
    path = tmp_path_factory.mktemp("store") / "values.db"
    with codemode.SqliteStore(path) as store:
        for key, text in puts:
            value = None if text is None else json.dumps(text)
            store.put(key, value)
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
            assert store.load_all() == model
    with codemode.SqliteStore(path) as store:
        assert store.load_all() == model


async def test_a_script_finds_what_one_of_an_earlier_session_stored(path: Path, open_lab: object) -> None:
    async with open_lab() as lab:  # type: ignore[operator]
        for expected in ("undefined", "[1]", "[1]"):
            with codemode.SqliteStore(path) as store:
                async with lab.service.open_session(store=store) as session, session.open_turn() as turn:
                    outcome = await turn.run("text(load('k')); store('k', [1])")
            assert outcome.text == expected
