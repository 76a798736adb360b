// ATTACK: hang_getter_signal
// CLASS: hang
// MUST: a getter of the options that never returns is ended like any loop
// EXPECT: {"status": ["failed"], "terminable": true}
tools.echo({}, { get signal() { for (;;) {} } });
