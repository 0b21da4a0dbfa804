// The list of files, with the state of each.
import { find, make } from "./elements.js";
import { labelName } from "./labels.js";
import { say } from "./language.js";

/** Show the list where there are several; *view* is called with the document that is chosen. */
export function showFiles(documents, shown, view) {
  find("files").hidden = documents.length < 2;
  find("files").setAttribute("aria-label", say().files);
  find("files").replaceChildren(make("ul", {}, ...documents.map((document, index) => entry(document, index, shown, view))));
}

function entry(document, index, shown, view) {
  const states = { waiting: say().waiting, inHand: say().inHand, failed: say().failed };
  const topic = document.topic ? labelName("topic", document.topic.label) : "";
  const open = make(
    "button",
    { type: "button", className: document.state, onclick: () => view(document), "data-key": `file:${index}` },
    make("bdi", { textContent: document.name }),
    make("span", { className: "soft", textContent: states[document.state] ?? topic }),
  );
  if (document === shown) open.setAttribute("aria-current", "true");
  return make("li", {}, open);
}
