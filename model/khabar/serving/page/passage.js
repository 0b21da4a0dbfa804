// A text with stretches of it marked.
import { make } from "./elements.js";

/** Cut a text where marks ({start, end}) begin and end: pieces {text, over}, *over* being the marks over each. */
export function cut(text, marks) {
  const changes = new Map([[0, []], [text.length, []]]);
  for (const mark of marks) {
    for (const place of [mark.start, mark.end]) {
      if (!changes.has(place)) changes.set(place, []);
      changes.get(place).push(mark);
    }
  }
  const places = [...changes.keys()].sort((a, b) => a - b);
  const over = new Set();
  return places.slice(0, -1).map((place, index) => {
    for (const mark of changes.get(place)) if (!over.delete(mark)) over.add(mark);
    return { text: text.slice(place, places[index + 1]), over: [...over] };
  });
}

/** Show a text in an element; each mark brings its *classes*, and an entity its number, by which it is found again. */
export function showPassage(element, text, marks) {
  element.replaceChildren(...cut(text, marks).map(({ text, over }) => (over.length ? marked(text, over) : text)));
}

function marked(text, over) {
  const entity = over.find((mark) => mark.entity !== undefined)?.entity;
  const properties = { className: over.flatMap((mark) => mark.classes).join(" "), textContent: text };
  if (entity === undefined) return make("span", properties);
  return make("mark", { ...properties, tabIndex: -1, "data-entity": entity, "aria-describedby": "tip" });
}
