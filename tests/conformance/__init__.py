"""Holds the program against its promise: a case for each sentence of DESIGN.md, sections 5 and 6, and limits of 7.

Black box: scripts, the public names of `codemode`, and the command line. A table's key is the sentence, in short; so is
the name of a test that stands alone. What cannot be tested from outside is said where it would stand.

| file | the part of the document |
| --- | --- |
| test_modules.py | 5, Modules: specifiers, exports, `tools`, `ALL_TOOLS`, unknown names |
| test_globals.py | 5, Globals: which there are; those of a modern runtime, each beside what node answers |
| test_helpers_output.py | 5, Helpers: text, image, audio, content |
| test_helpers_state.py | 5, Helpers: store and load, yield time and control, budget, notify, exit |
| test_timers_and_console.py | 5, Helpers: timers, sleep, console |
| test_helpers_tools.py | 5, Helpers: search_tools, describe_tool, as_settled |
| test_nested_calls.py | 5, A nested call: arguments, identifiers, validation, ToolError and its codes, results |
| test_mcp_results.py | 5, A nested call: what MCP servers answer |
| test_script.py | 5, A script: one ES module; the pragma and the order of settings |
| test_typescript.py | 5, A script: TypeScript |
| test_errors.py | 5, A script: what errors say |
| test_exec.py | 6: sources and options, when exec returns, header, items, failure text |
| test_truncation_and_paging.py | 6: tokens, truncation, images, output_id and pages |
| test_wait.py | 6: wait, terminate, cancellation, `stalled`, several cells, the codes of a cell |
| test_turn_end.py | 6: what becomes of cells when their turn ends |
| test_limits.py | 7: each limit, its figure, and what it does |
| test_codex.py | scripts as they are written for Codex's code mode |
"""
