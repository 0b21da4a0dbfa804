// Reads several documents, a few at once; each keeps its own state and error.
import { read } from "./documents.js";

const readers = 3; // documents that are asked about at once
const patience = 5; // times that a busy service is asked again about one of several files

/** Read those that wait; *changed* is called with each at every change. Throws where the service asks for a token. */
export async function readAll(documents, signal, changed) {
  const waiting = documents.filter(({ state }) => state === "waiting");
  const tries = documents.length > 1 ? patience : 0;

  async function reader() {
    for (let document = waiting.shift(); document && !signal.aborted; document = waiting.shift()) {
      if (document.state !== "waiting") continue; // read meanwhile, after a retry
      document.state = "inHand";
      changed(document);
      await readOne(document, tries, signal, changed);
      if (!signal.aborted) changed(document);
    }
  }

  await Promise.all(Array.from({ length: readers }, reader));
}

async function readOne(document, tries, signal, changed) {
  try {
    await patiently(() => read(document, signal), tries, signal);
    document.state = "done";
  } catch (error) {
    if (error.status === 401) {
      document.state = "waiting";
      if (!signal.aborted) changed(document);
      throw error;
    }
    Object.assign(document, { state: "failed", error });
  }
}

async function patiently(ask, tries, signal) {
  for (let left = tries; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 503 || !left || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
    }
  }
}
