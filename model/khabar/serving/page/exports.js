// What was found, as JSON and CSV.
import { labelName } from "./labels.js";
import { make } from "./elements.js";

const columns = ["file", "kind", "about", "label", "label_name", "text", "score", "start_utf16", "end_utf16"];

/** Return one article as an object, or several as a list; offsets count UTF-16 units, as JavaScript does. */
export function asJson(documents) {
  const records = documents.map(({ name, title, text, topic, entities, stances }) => ({
    file: name || null,
    title: title || null,
    text,
    offsets: "utf16",
    topic,
    entities,
    stances: stances.map(({ added, ...stance }) => stance),
  }));
  return JSON.stringify(records.length === 1 ? records[0] : records, null, 2);
}

/** Return a table with a row for each topic, entity, stance and sentence of evidence. */
export function asCsv(documents) {
  const rows = documents.flatMap((document) => rowsOf(document).map((row) => ({ file: document.name, ...row })));
  const lines = rows.map((row) => columns.map((column) => cell(row[column] ?? "")).join(","));
  return `\ufeff${[columns.join(","), ...lines].join("\r\n")}\r\n`; // the mark tells spreadsheets that it is UTF-8
}

function rowsOf({ text, topic, entities, stances }) {
  const span = ([start, end]) => ({ text: text.slice(start, end), start_utf16: start, end_utf16: end });
  const answer = (task, { label, score }) => ({ label, label_name: labelName(task, label), score });
  return [
    ...(topic ? [{ kind: "topic", ...answer("topic", topic) }] : []),
    ...entities.map((found) => ({ kind: "entity", ...answer("entities", found), ...span([found.start, found.end]) })),
    ...stances.flatMap(({ kind, target, evidence, ...found }) => [
      { kind: `${kind}_stance`, about: target, ...answer(`${kind}_stance`, found) },
      ...evidence.map((sentence) => ({ kind: "evidence", about: target, ...span(sentence) })),
    ]),
  ];
}

/** A text that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value) {
  const text = typeof value === "string" ? value.replace(/^[=+@\t\r-]/, "'$&") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
