"""`codemode.engine.engine`: real V8, one script an engine."""

from __future__ import annotations

from collections.abc import Callable

Run = Callable[..., None]


def test_a_script_is_started_answered_and_completes(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
engine = Engine(Limits())
assert engine.version.startswith("V8 ")
start(engine, 'text(await tools.get({a: "é\\ud83d\\ude00"}));')
assert engine.state() == WAITING
assert said(engine) == [m.Calls(1, ((1, "get", '{"a":"é\U0001f600"}'),))]
assert engine.last_call == 1
engine.deliver('[1,0,"one"]')
assert engine.state() == ENDED
assert said(engine) == [m.Output(1, (("text", "one"),)), m.Completed(1)]
engine.close()
""")


def test_timers_run_by_the_clock_that_is_given(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
engine = Engine(Limits())
start(engine, 'await sleep(1e6); text("woke"); await new Promise(() => {});')
assert 0 < engine.state() <= 1_000_000
engine.tick(5_000)
assert said(engine) == []
engine.tick(1_000_001)
assert said(engine) == [m.Output(1, (("text", "woke"),))]
assert engine.state() == STALLED
engine.take_stored([("k", "1")])
assert engine.state() == STALLED
""")


def test_what_does_not_parse_is_refused_with_its_place_and_nothing_runs(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source, line, column in [
    ("let a = ;", 1, 9),
    ("text(1);\n  '\U0001f600' y", 2, 8),
    ("text(1);\nif (1) {", 2, 9),
    ("text(1);\n}}text(2);({", 2, 1),
    ("}catch{}})()}});text('out');(function(){return()=>{(async()=>{try{{", 1, 1),
    ("  ", 1, 1),
    ("return 1", 1, 1),
    ("import.meta", 1, 8),
]:
    engine = Engine(Limits())
    try:
        start(engine, source)
    except SourceError as error:
        assert error.code == "syntax_error", (source, error)
        assert error.line == line, (source, error)
        assert source.startswith(("import", "}catch")) or error.column == column, (source, error)
    else:
        raise AssertionError(source)
    assert engine.ring.take() == b"", source
""")


def test_a_runtime_error_has_the_scripts_own_position_on_the_first_line_too(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source, line, column in [("throw new Error('x')", 1, 7), ("\n\n f();\nfunction f() { null.x }", 4, 21)]:
    engine = Engine(Limits())
    start(engine, source)
    failing, failed = said(engine)
    assert (failed.line, failed.column) == (line, column), failed
    assert "codemode:runner" not in failed.stack
""")


def test_every_engine_has_a_realm_of_its_own(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
assert texts("globalThis.left = 1; Array.prototype.map = 1; text(left);") == ["1"]
assert texts("text([typeof left, typeof [].map].join());") == ["undefined,function"]
""")


def test_the_realm_lacks_what_would_reach_the_runner_and_keeps_nothing_of_the_binding(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
absent = "[typeof Atomics, typeof SharedArrayBuffer, typeof WebAssembly, typeof FinalizationRegistry].join()"
assert texts(f"text({absent});") == [",".join(["undefined"] * 4)]
assert texts("text(Reflect.ownKeys(globalThis).filter((k) => typeof k === 'string' && k.startsWith('_')));") == ["[]"]
for name in ("setTimeout", "clearTimeout", "console", "tools", "text"):
    assert texts(f"text(Object.getOwnPropertyDescriptor(globalThis, '{name}').configurable);") == ["true"], name
""")


def test_a_script_is_strict_has_no_this_and_finds_nothing_in_arguments(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
assert texts("text(typeof this); text((function () { return this; })());") == ["undefined", "undefined"]
engine = Engine(Limits())
try:
    start(engine, "text(typeof arguments); text(eval('arguments.length'));")
except SourceError as error:
    assert error.code == "syntax_error"
else:
    heard = said(engine)
    assert "function" not in str(heard), heard
assert texts("let n = 'none'; try { n = eval('arguments.length + typeof arguments[0]'); } catch {} text(n);")[0] in (
    "none", "0undefined")
""")


def test_v8s_flags_have_their_effect(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
depth = int(texts("let n = 0; const f = () => { n++; f(); }; try { f(); } catch {} text(n);")[0])
assert 5_000 < depth < 60_000, depth
# Backtracking alone would take longer than the test may.
assert texts("text(/(a*)*b/.test('a'.repeat(40)));") == ["false"]
""")


def test_the_heap_has_its_limit_and_v8_ends_the_process_that_goes_over_it(in_engine: Run) -> None:
    source = "const kept = []; for (let i = 0; i < 2_000_000; i++) kept.push({i}); text(kept.length);"
    for heap_mib, dies in [(128, False), (16, True)]:
        in_engine(
            f"limits = Limits(max_heap_bytes={heap_mib} * MIB)\ninitialise_v8(limits)\nprint(texts({source!r}))",
            dies=dies,
        )


def test_a_source_that_names_the_runner_hides_no_more_than_itself(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
engine = Engine(Limits())
start(engine, "throw new Error('x');\n//# sourceURL=codemode:runner")
assert said(engine)[-1].message == "Error: x"
""")


def test_records_stay_whole_where_the_stack_ends(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
heard = texts('''
  const down = (f) => { try { down(f); } catch { f(); } };
  for (let i = 0; i < 20; i++) {
    let left = 80;
    const say = () => { text("T"); console.log("L"); store("k", i); tools.get({i}); if (left-- > 0) throw 0; };
    try { down(say); } catch {}
  }
  text("the end");
''')
assert heard[-1] == "the end"
assert set(heard) == {"T", "the end"}
""")


def test_answers_that_cannot_be_read_are_a_fault_and_not_a_call_that_waits_for_ever(in_engine: Run) -> None:
    in_engine("""
engine = Engine(Limits())
start(engine, "await tools.get()")
assert isinstance(said(engine)[-1], m.Calls)
engine.deliver("[1,0,{not json")
try:
    engine.state()
except RunnerError as error:
    assert "JSON" in str(error)
else:
    raise AssertionError("the fault was not seen")
""")


def test_a_script_that_holds_nothing_that_runs_is_empty(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source in ["", " \n\t\ufeff", "// only this", "/* a\n */ // b", "#!/usr/bin/env codemode", '// @exec: {}\r\n\n']:
    assert refusal(source) == ("syntax_error", "the script is empty", 1, 1), source
assert texts("#!/usr/bin/env codemode\ntext(1)") == ["1"]
assert texts(";") == []
assert texts("interface OnlyTypes {}") == []
""")


def test_what_v8_takes_as_javascript_is_javascript_and_else_types_are_erased(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
calls = "const f = (...args) => text(args.join()), a = 1, b = 2, c = 0, d = 1;"
assert texts(calls + "f(a<b, c>(d));") == ["true,false"]
assert texts("const f = (x) => (y) => text(x); const c = 0, d = 1, T = 2; f<T>(d)") == []
typed = "const id = <A, B>(x: A): A => x;"
assert texts(typed + "text(id<number, string>(7));") == ["7"]
assert texts(typed + "text(id<number, string>(7));", language="typescript") == ["7"]
assert texts("const id = (x) => x; text(id<number>(7));", language="typescript") == ["7"]
assert texts("text(1);", language="typescript") == ["1"]
assert texts("import type {X} from './types'; import {text as say, type Y} from 'codemode'; say(2 as X)") == ["2"]
""")


def test_what_is_wrong_with_a_script_is_told_of_the_reading_that_comes_nearest(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source, code, message, line, column in [
    # A construct that cannot be erased.
    ("text(1);\nenum A { B }", "syntax_error", "enum", 2, 1),
    # TypeScript that is none: as JavaScript.
    ("let a: = 1;", "syntax_error", "Unexpected token ':'", 1, 6),
    ("let a = ;", "syntax_error", "Unexpected token ';'", 1, 9),
    ("const a = 1;\nconst a = 2;", "syntax_error", "already been declared", 2, 7),
    # TypeScript but for what is left of it.
    ("let a: string = '';\nlet a: number = 1;", "syntax_error", "already been declared", 2, 5),
    ("let a: T;\n return a", "syntax_error", "Illegal return", 2, 2),
    ("let a: T; import.meta", "syntax_error", "import.meta", 1, 18),
    # A syntax error comes before a broken link, as in any engine.
    ("import {nope} from 'tools.js';\nlet let = 1;", "syntax_error", "reserved word", 2, 5),
    ("import {gett} from 'tools.js';\nlet a = 1;", "module_not_found", "did you mean \"get\"?", 1, 9),
    ("let a: T;\n import {gett} from 'tools.js'", "module_not_found", "did you mean \"get\"?", 2, 10),
    ("import {X} from './types';", "module_not_found", "there is no module \"./types\"", 1, 17),
]:
    for language in ("javascript", "typescript"):
        refused = refusal(source, language=language)
        assert message in refused[1] and refused[::2] == (code, line) and refused[3] == column, (source, refused)
assert refusal("let as = 1", language="typescript") == (
    "syntax_error", "The source cannot be read as TypeScript", 1, 8)
""")


def test_a_source_on_which_a_parser_gives_up_is_a_syntax_error_in_words(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source in ["(" * 200_000, "!" * 200_000 + "1", "`${" * 50_000, "await " * 50_000 + "1", "a?." * 200_000 + "b"]:
    code, message, *_ = refusal(source)
    assert (code, message) == ("syntax_error", "The source nests too deeply, or is too broken, to be read"), message
""")


def test_an_error_stands_where_the_typed_source_has_it(in_engine: Run) -> None:
    in_engine(r"""
initialise_v8(Limits())
for source, line, column in [
    ("const a: number = 1; throw new Error('x')", 1, 28),
    ("'😀' as string; f();\nfunction f<T>(this: void, x?: T): void { (null as any).x }", 2, 56),
    ("const f = (\n  x\n): {\n  a: 1\n} => { throw x }\n f(new Error('x'))", 6, 4),
]:
    engine = Engine(Limits())
    start(engine, source)
    failing, failed = said(engine)
    assert (failed.line, failed.column) == (line, column), failed
""")
