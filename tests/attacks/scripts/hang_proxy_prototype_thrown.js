// ATTACK: hang_proxy_prototype_thrown
// CLASS: hang
// MUST: an error whose prototype is a Proxy that never answers has 1 s
// EXPECT: {"status": ["failed"], "within_s": 5}
const e = new Error("x"); delete e.message; Object.setPrototypeOf(e, new Proxy({}, { getOwnPropertyDescriptor() { for (;;) {} }, getPrototypeOf() { for (;;) {} } })); throw e;
