// Why: the words that carried an answer.
import { button, find, make } from "./elements.js";
import { labelName } from "./labels.js";
import { say } from "./language.js";

const leastScale = 1; // log-odds: where nothing weighs this much, the heaviest is not shown as heavy
const levels = 4;
const longest = 60;

const scale = ({ weights }) => Math.max(leastScale, ...weights.map(({ weight }) => Math.abs(weight)));

/** Marks for the text or title: each word in one of four strengths, for or against. */
export function reasonMarks(reason, part) {
  const most = scale(reason);
  return reason.weights
    .filter((weight) => weight.part === part && Math.abs(weight.weight) > most / 10)
    .map(({ start, end, weight }) => ({ start, end, classes: classes(weight / most) }));
}

function classes(share) {
  return ["word", share > 0 ? "for" : "against", `strength-${Math.ceil(Math.abs(share) * levels)}`];
}

/** Say above the text what the marks mean, and name the weightiest words. */
export function showReason(reason, document, close) {
  const task = reason.kind === "topic" ? "topic" : `${reason.kind}_stance`;
  const answer = labelName(task, reason.label);
  const heading = reason.kind === "topic" ? say().reason(answer) : say().reasonOf(answer, reason.target);
  const most = scale(reason);
  const ranked = [...reason.weights].sort((a, b) => b.weight - a.weight);
  const speakingFor = ranked.filter(({ weight }) => weight > most / 20).slice(0, 8);
  const against = ranked.filter(({ weight }) => weight < -most / 20).slice(-3);
  const weak = !speakingFor.some(({ weight }) => weight > most / 4);
  find("reason").replaceChildren(
    make(
      "div",
      { className: "row" },
      make("strong", { textContent: heading }),
      button(say().back, close, { className: "quiet", "data-key": "back" }),
    ),
    ...wordList(say().speaksFor, speakingFor, document, most),
    ...wordList(say().speaksAgainst, against, document, most),
    ...(weak ? [make("p", { className: "soft small", textContent: say().spread })] : []),
  );
}

function wordList(label, weights, document, most) {
  if (!weights.length) return [];
  const items = weights.map(({ start, end, part, weight }) => {
    const words = document[part].slice(start, end).trim();
    const short = words.length > longest ? `${words.slice(0, longest).replace(/\s+\S*$/u, "")} …` : words;
    return make("li", {}, make("bdi", { className: classes(weight / most).join(" "), textContent: short, lang: "fa" }));
  });
  return [make("p", { className: "soft small", textContent: label }), make("ul", { className: "weights" }, ...items)];
}
