"""`runner_js/bundle.py`: the bundle is fresh, and what cannot be joined is refused."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from codemode.engine.records import Kind

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "runner_js" / "bundle.py"


@pytest.fixture
def bundler(tmp_path: Path) -> ModuleType:
    """The bundler, for sources in `tmp_path/src`."""
    specification = importlib.util.spec_from_file_location("runner_bundler", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.SOURCES = tmp_path / "src"
    module.BUNDLE = tmp_path / "runner.js"
    module.SOURCES.mkdir()
    return module


def write(bundler: ModuleType, **sources: str) -> None:
    for name, text in sources.items():
        (bundler.SOURCES / f"{name}.js").write_text(text, "utf-8")


def test_the_committed_bundle_is_what_the_sources_make() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_fails_where_the_bundle_is_stale_and_writing_mends_it(
    bundler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    write(bundler, port="export const enginePort = 1;\n")

    assert bundler.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert bundler.main([]) == 0
    assert bundler.main(["--check"]) == 0


def test_modules_stand_after_those_that_they_import_and_each_once(bundler: ModuleType) -> None:
    write(
        bundler,
        port='import { a } from "./one.js";\nimport { b } from "./two.js";\nexport const enginePort = a + b;\n',
        one='import { b } from "./two.js";\nexport const a = b;\n',
        two="export const { b, c: d } = { b: 1, c: 2 };\nexport async function e() {}\nexport class F {}\n",
    )

    text = bundler.bundle()

    assert re.findall(r"^// (\w+)\.js$", text, re.MULTILINE) == ["two", "one", "port"]
    assert "return { __proto__: null, b, d, e, F };" in text
    assert "export" not in text
    assert "import" not in text


def test_what_late_imports_stands_as_text_and_is_given_the_modules_that_stand_already(bundler: ModuleType) -> None:
    write(
        bundler,
        port='import { a } from "./one.js";\nexport const enginePort = a;\n',
        one="export const a = 1;\n",
        late='import { A, B } from "./classes.js";\nimport { f } from "./f.js";\n',
        classes='import { a } from "./one.js";\n// said of A\nexport class A {}\nexport const B = "é\\\\n" + a;\n',
        f='import { A } from "./classes.js";\nexport function f() {}\n',
    )

    text = bundler.bundle()

    now, later = text.split("module_later.provideLater(")
    assert re.findall(r"^// (\w+)\.js$", now, re.MULTILINE) == ["one", "port"]
    assert re.findall(r"^// (\w+)\.js\\n\\$", later, re.MULTILINE) == ["classes", "f"]
    assert later.startswith('() => module_primordials.evaluate("(module_one, module_port) => {')
    assert "A: module_classes.A, B: module_classes.B, f: module_f.f" in later
    assert "said of A" not in text
    assert text.isascii()


def test_late_may_import_only_what_is_exported(bundler: ModuleType) -> None:
    write(bundler, port="export const enginePort = 1;\n", one="export const a = 1;\n")
    write(bundler, late='import { b } from "./one.js";\n')

    with pytest.raises(bundler.BundleError, match=r"late\.js imports b, which one\.js does not export"):
        bundler.bundle()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            'import { gone } from "./one.js";\nexport const enginePort = 1;\n',
            "imports gone, which one.js does not export",
        ),
        ('import { a as b } from "./one.js";\nexport const enginePort = 1;\n', "does not export"),
        ('import * as one from "./one.js";\nexport const enginePort = 1;\n', "form that is not bundled"),
        ('import "./one.js";\nexport const enginePort = 1;\n', "form that is not bundled"),
        ("export default 1;\n", "form that is not bundled"),
        ("const enginePort = 1;\nexport { enginePort };\n", "form that is not bundled"),
        ("export let enginePort = 1;\n", "form that is not bundled"),
        ('export * from "./one.js";\n', "form that is not bundled"),
        ('import { b } from "./two.js";\nexport const enginePort = 1;\n', "circle of imports: port → two → port"),
    ],
)
def test_another_form_is_refused(bundler: ModuleType, source: str, why: str) -> None:
    write(bundler, one="export const a = 1;\n", two='import { enginePort } from "./port.js";\nexport const b = 1;\n')
    write(bundler, port=source)

    with pytest.raises(bundler.BundleError, match=re.escape(why)):
        bundler.bundle()


def test_both_ends_of_the_ring_number_its_records_alike() -> None:
    source = (ROOT / "runner_js" / "src" / "ring.js").read_text("utf-8")
    table = source[source.index("export const KIND = {") :].partition("};")[0]

    assert {name: int(number) for name, number in re.findall(r"^  ([A-Z_]+): (\d+),$", table, re.MULTILINE)} == {
        kind.name: kind.value for kind in Kind
    }
