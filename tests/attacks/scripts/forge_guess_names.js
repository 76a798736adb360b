// ATTACK: forge_guess_names
// CLASS: forge
// MUST: the names around the script cannot be guessed by eval, and a caught TypeError does not tell them
// EXPECT: {"status": ["completed", "failed"], "no_text": "LEAK", "no_forged": true}
let hit = 0;
for (let i = 0; i < 4000; i++) { const n = i.toString(16).padStart(5, "0"); try { eval("$" + n); hit++; } catch {} try { eval("_" + n); hit++; } catch {} }
for (const n of ["report", "module_ring", "module_calls", "enginePort", "ringBuffer", "deliver", "cell", "port", "__port", "module_primordials", "open", "waiting"]) try { eval(n); hit++; } catch {} 
output_text(hit === 0 ? "ok" : "LEAK " + hit);
