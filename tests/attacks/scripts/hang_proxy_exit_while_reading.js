// ATTACK: hang_proxy_exit_while_reading
// CLASS: hang
// MUST: a trap that exits, parks or fails again while a thrown value is read leaves the cell failed
// EXPECT: {"status": ["failed"], "within_s": 5}
throw new Proxy({}, { ownKeys() { exit(); }, getPrototypeOf() { output_text("x"); tools.echo({}); exit(); } });
