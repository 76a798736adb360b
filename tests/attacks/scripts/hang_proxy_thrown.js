// ATTACK: hang_proxy_thrown
// CLASS: hang
// MUST: saying what a thrown Proxy is has 1 s, whatever its traps do
// EXPECT: {"status": ["failed"], "within_s": 5}
throw new Proxy(new Error("x"), { getPrototypeOf() { for (;;) {} }, ownKeys() { for (;;) {} }, get() { for (;;) {} }, getOwnPropertyDescriptor() { for (;;) {} } });
