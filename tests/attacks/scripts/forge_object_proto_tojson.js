// ATTACK: forge_object_proto_tojson
// CLASS: forge
// MUST: a toJSON on Object.prototype and String.prototype changes the script's own values and no frame of ours
// EXPECT: {"status": ["completed", "failed"], "no_forged": true, "made": []}
import { echo } from "tools.js";
Object.prototype.toJSON = () => "FORGED"; String.prototype.toJSON = () => "FORGED"; Array.prototype.toJSON = () => ["FORGED"];
try { await echo({ a: 1 }); } catch {}
console.log({ a: 1 }); store("k", 1); output_image("data:,x"); notify("n");
delete Object.prototype.toJSON; delete String.prototype.toJSON; delete Array.prototype.toJSON;
output_text("ok");
