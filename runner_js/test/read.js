// A script in a thread of its own, read by another: it may fill the ring, or end by parking its thread.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What a script says while another thread reads it, to its end. */
export async function runRead(source, settings) {
  const worker = new Worker(new URL("./parked.js", import.meta.url), { workerData: { source, settings } });
  const [said] = await once(worker, "message");
  await worker.terminate();
  return said;
}
