// ATTACK: hang_rejection_flood
// CLASS: hang
// MUST: 300,000 unhandled rejections with hostile reasons are ignored
// EXPECT: {"status": ["completed", "failed"], "worker_may_die": true}
const reason = { get stack() { for (;;) {} }, toString() { for (;;) {} } }; for (let i = 0; i < 3e5; i++) Promise.reject(reason); output_text("end");
