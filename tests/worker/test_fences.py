"""`codemode.worker.fences`: what a worker says of its fences is true of its process, and it works behind them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from codemode.limits import MIB, Limits
from codemode.wire import messages as m
from codemode.worker import fences
from codemode.worker.fences import CELLS_OF_CPU, CPU_SLACK_S, MAX_OPEN_FILES, V8_RESERVE_BYTES, apply_fences

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not read this of a worker")

START = "import sys; sys.path[:] = sys.argv[4:]; from codemode.worker import main as worker; "
RUN = "worker.main(sys.argv[1:4])"
AS_NOBODY = (  # once all is loaded: nobody may perhaps not read what the interpreter loads
    "import os; from codemode.worker.kernel import SET_DUMPABLE, prctl; load = worker.load; "
    "worker.load = lambda limits: (load(limits), os.setgroups([]), os.setgid(65534), os.setuid(65534), "
    "prctl(SET_DUMPABLE, 1)); "
)
USERS = [
    pytest.param(START + RUN, id="as it is"),
    pytest.param(START + AS_NOBODY + RUN, id="as nobody", marks=as_root),
]
WITHOUT_SENTRY = "worker.Sentry.start = lambda self: None; "


@pytest.fixture
def process(worker: Any) -> Path:
    """What the kernel says of a worker that stands ready."""
    worker.hear_until(m.Ready)
    return Path(f"/proc/{worker.process.pid}")


def fields(file: Path) -> dict[str, str]:
    """The lines `name: value` of a file."""
    lines = (line.partition(":") for line in file.read_text("utf-8").splitlines())
    return {name: value.strip() for name, _, value in lines}


def kernel_limits(process: Path) -> dict[str, tuple[str, ...]]:
    lines = (process / "limits").read_text("utf-8").splitlines()[1:]
    return {line[:26].strip(): tuple(line[26:].split()[:2]) for line in lines}


@pytest.mark.parametrize("boot", USERS)
def test_every_fence_stands_and_is_named(open_worker: Any, boot: str) -> None:
    hello, _ = open_worker(boot).hear_until(m.Ready)

    assert tuple(hello.fences) == m.FENCES
    # A container may forbid these two; then it is said.
    stand_always = {name: state for name, state in hello.fences.items() if name not in ("landlock", "seccomp")}
    assert set(stand_always.values()) == {"on"}
    assert all(state == "on" or state.startswith("missing: ") for state in hello.fences.values())


def test_what_cannot_be_put_up_is_missing_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def be_elsewhere() -> None:
        raise NotImplementedError("the calls of riscv64 are not known")

    for name in ("_empty_environment", "_close_all_but", "_limit", "_limit_cpu_time", "_be_first_to_go", "prctl",
                 "drop_capabilities", "allow_nothing"):  # fmt: skip
        monkeypatch.setattr(fences, name, refuse)
    monkeypatch.setattr(fences, "install_filter", be_elsewhere)
    monkeypatch.setattr(os, "chdir", refuse)
    states = apply_fences(Limits(), keep=())

    assert states.pop("seccomp") == "missing: the calls of riscv64 are not known"
    assert set(states.values()) == {"missing: [Errno 1] Operation not permitted"}


def test_on_another_system_the_fences_of_linux_are_missing_and_nothing_fails() -> None:
    script = """
        import sys, resource
        platform, sys.platform = sys.platform, "darwin"
        from codemode.worker.fences import apply_fences
        from codemode.limits import Limits
        states = apply_fences(Limits(), keep=(0, 1, 2))
        print(*[name for name, state in states.items() if state == "missing: only on Linux"])
        assert states["environment"] == states["memory"] == "on", states
    """
    done = run_python(script)

    assert done.stdout.split() == ["oom_score", "no_new_privs", "dumpable", "capabilities", "landlock", "seccomp"]


def run_python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script that must succeed."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        timeout=60,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_environment_is_empty_for_python_for_the_c_library_and_in_memory() -> None:
    run_python(
        """
        import ctypes, os
        from codemode.limits import Limits
        from codemode.worker.fences import FENCES, apply_fences
        get = ctypes.CDLL(None).getenv
        assert get(b"SECRET") and b"of the host" in open("/proc/self/environ", "rb").read()
        skip = set(FENCES) - {"environment"}
        assert apply_fences(Limits(), keep=(), skip=skip)["environment"] == "on"
        assert not os.environ and not get(b"SECRET")
        assert not open("/proc/self/environ", "rb").read().strip(bytes(1))
        """,
        SECRET="of the host",
    )


@as_root
def test_the_environment_that_it_was_started_with_is_in_proc_no_more(process: Path) -> None:
    assert (process / "environ").read_bytes().strip(bytes(1)) == b""  # it was started with a SECRET


@as_root
def test_the_directory_is_the_root(process: Path) -> None:
    assert os.readlink(process / "cwd") == "/"


def test_descriptors_are_closed_where_there_is_no_proc_to_list_them() -> None:
    run_python(
        """
        import contextlib, os
        from codemode.limits import Limits
        from codemode.worker.fences import FENCES, apply_fences
        from_host, to_host = os.pipe()
        for number in (100, 300, 4095):
            os.dup2(from_host, number)

        def have_no_proc(path):
            raise FileNotFoundError(path)

        def open_now():
            for number in (0, 2, from_host, to_host, 100, 300, 4095):
                with contextlib.suppress(OSError):
                    os.fstat(number)
                    yield number

        os.listdir = have_no_proc
        skip = set(FENCES) - {"descriptors"}
        assert apply_fences(Limits(), keep=(2, to_host, 300), skip=skip)["descriptors"] == "on"
        assert list(open_now()) == [2, to_host, 300]
        """
    )


@as_root
def test_only_the_wire_and_stderr_are_open(process: Path) -> None:
    leads_to = {int(name): os.readlink(process / "fd" / name) for name in os.listdir(process / "fd")}

    pipes = {number for number, target in leads_to.items() if target.startswith("pipe:")}
    assert 2 in pipes
    assert len(pipes) == 3
    # Of its own: the engine's binding holds an event loop (a poll and a pair of sockets that lead to each other), and
    # the worker looks at its own size. Nothing of the host's is among them.
    others = sorted(leads_to[number].partition("[")[0] for number in leads_to.keys() - pipes)
    own_size = [target for target in others if target == f"/proc/{process.name}/statm"]
    assert [target for target in others if target not in own_size] in (
        [],
        sorted(["anon_inode:", "socket:", "socket:"]),
    )


def test_the_kernels_limits_are_those_that_are_said(process: Path) -> None:
    limits = kernel_limits(process)
    memory = str(V8_RESERVE_BYTES + Limits().max_memory_bytes)

    assert limits["Max data size"] == (memory, memory)
    assert limits["Max core file size"] == ("0", "0")
    assert limits["Max file size"] == ("0", "0")
    assert limits["Max open files"] == (str(MAX_OPEN_FILES), str(MAX_OPEN_FILES))
    at_a_time, in_all = map(int, limits["Max cpu time"])
    assert Limits().max_cpu_s < at_a_time <= Limits().max_cpu_s + CPU_SLACK_S + 3  # and what the start has used
    assert in_all == CELLS_OF_CPU * Limits().max_cpu_s + CPU_SLACK_S


def test_the_memory_fence_follows_the_limit(open_worker: Any) -> None:
    worker = open_worker(max_memory_bytes=300 * MIB)
    worker.hear_until(m.Ready)

    memory = str(V8_RESERVE_BYTES + 300 * MIB)
    assert kernel_limits(Path(f"/proc/{worker.process.pid}"))["Max data size"] == (memory, memory)


def test_a_limit_of_the_kernel_that_is_lower_already_stays() -> None:
    run_python(
        """
        import resource
        from codemode.limits import Limits
        from codemode.worker.fences import FENCES, apply_fences
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        resource.setrlimit(resource.RLIMIT_CPU, (9, 9))
        skip = set(FENCES) - {"open_files", "cpu"}
        states = apply_fences(Limits(), keep=(), skip=skip)
        assert states["open_files"] == states["cpu"] == "on"
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (20, 20)
        assert resource.getrlimit(resource.RLIMIT_CPU) == (8, 9)  # so that SIGXCPU comes before SIGKILL
        """
    )


@pytest.mark.parametrize("boot", USERS)
def test_every_thread_is_behind_the_fences_also_one_that_was_started_later(open_worker: Any, boot: str) -> None:
    worker = open_worker(boot)
    hello, *_ = worker.hear_until(m.Ready)
    worker.start("await tools.get({});", ready=False)  # in the engine, with the sentry awake
    worker.hear_until(m.Calls)
    threads = [fields(thread / "status") for thread in Path(f"/proc/{worker.process.pid}/task").iterdir()]

    assert len(threads) == 4  # its own two, and two of the engine's binding
    for thread in threads:
        assert [thread[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == ["0" * 16] * 4
        assert thread["NoNewPrivs"] == "1"
        assert (thread["Seccomp"] == "2") == (hello.fences["seccomp"] == "on")
    if os.geteuid() == 0 and boot == START + RUN:
        assert {thread["CapBnd"] for thread in threads} == {"0" * 16}
    assert (Path(f"/proc/{worker.process.pid}") / "oom_score_adj").read_text().strip() == "1000"


@pytest.mark.parametrize("boot", USERS)
def test_it_works_behind_them(open_worker: Any, boot: str) -> None:
    worker = open_worker(boot)

    def said(source: str, cell: int) -> str:
        heard = worker.run(source, cell)
        assert isinstance(heard[-1], m.Completed), heard[-1]
        return "\n".join(body for message in heard if isinstance(message, m.Output) for _, body in message.items)

    # Code that is made at run time, and optimised; a worker that has run one script has a second engine.
    assert said("let sum = 0; for (let i = 0; i < 2e7; i++) sum += i % 7; text(sum);", 1) == "59999997"
    # Names and rules of languages and zones; the machine's own zone is not to be seen.
    intl = "new Intl.DateTimeFormat('de', {timeZone: 'Asia/Tokyo', month: 'long'}).format(new Date(0))"
    assert said(f"text({intl}); text((12345.5).toLocaleString('fr'));", 2) == "Januar\n12\u202f345,5"
    assert said("text(Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getTimezoneOffset());", 3) == "UTC"
    # Exceptions, caught and not; TypeScript; what a script that is no module is told.
    assert said("function f() { f(); } try { f(); } catch (error) { text(error.name); }", 4) == "RangeError"
    assert said("const n: number = 1 as number; text(n);", 5) == "1"
    failed = worker.run("null.x;", 6)[-1]
    assert (failed.code, failed.line) == ("script_error", 1)
    assert worker.run("let ;", 7)[-1].code == "syntax_error"
    # Chance: two engines do not draw the same.
    assert said("text(Math.random());", 8) != said("text(Math.random());", 9)


@pytest.mark.parametrize("boot", USERS)
def test_v8_says_its_last_words_and_ends_by_its_own_signal(open_worker: Any, boot: str) -> None:
    worker = open_worker(boot)
    worker.start("const kept = []; for (;;) kept.push(Array(1000).fill(1.5));")
    while worker.hear() is not None:
        pass

    _, stderr = worker.process.communicate(timeout=15)
    assert worker.process.returncode in (-signal.SIGTRAP, -signal.SIGABRT)
    assert b"out of memory" in stderr


def test_a_traceback_reaches_stderr(open_worker: Any) -> None:
    worker = open_worker(START + "worker.Engine.version = property(lambda self: 1 / 0); " + RUN)
    assert worker.hear() is None

    _, stderr = worker.process.communicate(timeout=15)
    assert (worker.process.returncode, stderr.splitlines()[-1]) == (70, b"ZeroDivisionError: division by zero")


# ── CPU time ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_kernel_ends_a_script_that_nobody_watches_any_more(open_worker: Any) -> None:
    worker = open_worker(START + WITHOUT_SENTRY + RUN, max_cpu_s=0.2)
    worker.start("for (;;) {}")

    assert worker.hear() is None
    assert worker.exit_status() == -signal.SIGXCPU


def test_each_cell_has_all_of_its_cpu_time_whatever_those_before_it_used(open_worker: Any) -> None:
    worker = open_worker(START + WITHOUT_SENTRY + RUN, max_cpu_s=0.5)
    spin = "const end = performance.now() + 400; while (performance.now() < end);"

    for cell in range(1, 7):  # 2.4 s in all, and it could be ended after 2
        assert worker.run(spin, cell)[-1] == m.Completed(cell)


def test_a_process_that_has_used_its_cpu_time_ends_between_two_cells(open_worker: Any) -> None:
    worker = open_worker(START + WITHOUT_SENTRY + RUN, max_cpu_s=0.01)  # a hundred such cells have 2 s in all
    spin = "const end = performance.now() + 100; while (performance.now() < end);"
    completed = 0
    while (message := worker.hear()) is not None:
        if isinstance(message, m.Ready):
            worker.start(spin, completed + 1, ready=False)
        elif isinstance(message, m.Completed):
            completed += 1

    assert worker.exit_status() == 0
    assert completed > 1


def test_a_worker_starts_where_its_parent_ignores_the_signal_of_cpu_time() -> None:
    script = """
        import os, signal
        from codemode.limits import Limits
        from codemode.worker.main import load
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        load(Limits())
        assert signal.getsignal(signal.SIGXCPU) is signal.SIG_DFL
        os._exit(0)
    """
    run_python(script)


# ── many starts ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.soak
@pytest.mark.parametrize("boot", USERS)
def test_fifty_of_fifty_start_and_work(open_worker: Any, boot: str) -> None:
    for _ in range(50):
        worker = open_worker(boot)
        assert worker.run("text([1.5].toLocaleString('de'));")[-1] == m.Completed(1)
        worker.process.kill()
