// The form that asks where the text stands toward something else.
import { find } from "./elements.js";
import { hasTask } from "./labels.js";
import { say } from "./language.js";

const form = find("asking");

/** Offer the kinds that the model can judge; where it can none, there is no panel of stances. */
export function showAsking() {
  const kinds = [...form.elements.kind];
  const able = kinds.filter(({ value }) => hasTask(`${value}_stance`));
  for (const kind of kinds) kind.parentElement.hidden = !able.includes(kind);
  if (able.length && !able.some(({ checked }) => checked)) able[0].checked = true;
  find("stances").hidden = !able.length;
  const words = form.elements.kind.value === "claim" ? say().questionClaim : say().questionTarget;
  find("question").placeholder = words;
  find("question").setAttribute("aria-label", words);
}

/** Call *ask* with the kind and the words of each question. */
export function watchAsking(ask) {
  form.addEventListener("change", showAsking);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form.elements.kind.value, find("question").value.trim());
  });
}
