// A thread whose script ends by parking it: another thread reads what it said.

import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Engine, Reader } from "./engine.js";

if (workerData.buffer === undefined && !isMainThread) {
  const { source, settings } = workerData;
  const inner = new Worker(new URL(import.meta.url), { workerData: { source, settings, buffer: null } });
  inner.on("message", (buffer) => {
    const reader = new Reader(buffer);
    const said = [];
    const look = () => {
      said.push(...reader.take());
      if (said.some(([kind]) => kind === "COMPLETED" || kind === "FAILED")) {
        // A while longer: nothing may follow.
        setTimeout(() => parentPort.postMessage([...said, ...reader.take()]), 50);
      } else setTimeout(look, 1);
    };
    look();
  });
} else if (!isMainThread) {
  const engine = new Engine(workerData.settings);
  parentPort.postMessage(engine.port.ring);
  await new Promise((resolve) => setTimeout(resolve, 20));
  engine.start(workerData.source); // the other thread is the one that reads
}
