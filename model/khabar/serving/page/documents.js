// Articles in hand: what was given, and what the service found in each.
import * as service from "./service.js";

const largest = 8 * 1024 * 1024; // of a file, in bytes: far above what the service takes

/** A document is waiting, then inHand, then done or failed. */
export function newDocument({ name = "", title = "", text, fiction = false }) {
  const found = { topic: null, entities: [], stances: [], explanations: new Map() };
  return { name, title, text, fiction, state: "waiting", error: null, ...found };
}

export class FileError extends Error {
  constructor(file, tooLarge = false) {
    super(`${file} is ${tooLarge ? "too large" : "not UTF-8"}`);
    Object.assign(this, { file, tooLarge });
  }
}

/** Read a text file: UTF-8, or UTF-16 that says so. Any other, and one too large, gives a document that has failed. */
export async function documentOf(file) {
  const document = newDocument({ name: file.name, text: "" });
  try {
    if (file.size > largest) throw new FileError(file.name, true);
    const bytes = new Uint8Array(await file.arrayBuffer());
    document.text = new TextDecoder(encoding(bytes), { fatal: true }).decode(bytes);
    if (document.text.includes("\0")) throw new FileError(file.name);
  } catch (caught) {
    const error = caught instanceof FileError ? caught : new FileError(file.name);
    Object.assign(document, { text: "", state: "failed", error });
  }
  return document;
}

function encoding([first, second]) {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

const asked = ({ title, text }) => ({ title: title || null, text });

/** Read the article: topic, entities, and the stances toward its main entities. */
export async function read(document, signal) {
  const { topic, entities, stances } = await service.analyze(asked(document), signal);
  Object.assign(document, { topic, entities, stances });
}

/** Judge one more target or claim; it comes first, in place of an earlier answer to the same question, and is returned. */
export async function judge(document, kind, query, signal) {
  const question = kind === "target" ? { targets: [query] } : { targets: [], claims: [query] };
  const { stances } = await service.analyze({ ...asked(document), ...question }, signal);
  if (!stances.length) return null; // there is no word in the text
  const added = { ...stances[0], added: true };
  document.stances = [added, ...document.stances.filter((stance) => keyOf(stance) !== keyOf(added))];
  document.explanations.delete(keyOf(added));
  return added;
}

export const keyOf = (answer) => `${answer.kind}:${answer.target}:${answer.added ?? false}`;
export const topicKey = "topic";

/** Return which words carried the topic (*stance* null) or a stance; each is asked for once. */
export async function explain(document, stance, signal) {
  const key = stance ? keyOf(stance) : topicKey;
  if (!document.explanations.has(key)) {
    const { explanations } = await service.explain({ ...asked(document), ...reasons(stance) }, signal);
    for (const found of explanations) {
      const known = found.kind === "topic" ? topicKey : keyOf({ ...found, added: stance.added });
      document.explanations.set(known, found);
    }
  }
  return document.explanations.get(key);
}

/** The main entities are explained together: asked for by name, the text's other names for them would not count. */
function reasons(stance) {
  if (!stance) return { topic: true };
  if (!stance.added) return { topic: false, targets: null };
  return { topic: false, [`${stance.kind}s`]: [stance.target] };
}
