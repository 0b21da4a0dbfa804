// The panels beside the text: the topic, and where the text stands.
import { bars } from "./bars.js";
import { keyOf, topicKey } from "./documents.js";
import { button, find, make } from "./elements.js";
import { hasTask, labelName } from "./labels.js";
import { number, say } from "./language.js";

const tones = { favor: "pro", agree: "pro", against: "contra", disagree: "contra" };
const order = ["favor", "agree", "neutral", "discuss", "against", "disagree", "unrelated"];
const likely = 4;

/** *open* is the key of what is explained now; *why* is called with the stance, null for the topic. */
export function showTopic(topic, open, why) {
  const heading = make("h2", { id: "topic-heading", textContent: say().topic });
  find("topic").hidden = !hasTask("topic");
  if (!topic) {
    find("topic").replaceChildren(heading, make("p", { textContent: say().nothing }));
    return;
  }
  const ranked = Object.entries(topic.scores).sort(([, a], [, b]) => b - a).slice(0, likely);
  const rows = ranked.map(([key, share], index) => ({ name: labelName("topic", key), share, best: index === 0 }));
  find("topic").replaceChildren(
    make("div", { className: "row" }, heading, whyButton(topicKey, open, say().whyTopic, () => why(null))),
    bars(rows, say().topics),
  );
}

/** *on* says what is called for: light(stance), why(stance), remove(stance); *lit* and *open* are keys. */
export function showStances(stances, lit, open, on) {
  const none = make("li", { className: "soft", textContent: say().noStances });
  find("judged").replaceChildren(...(stances.length ? stances.map((stance) => card(stance, lit, open, on)) : [none]));
}

function card(stance, lit, open, on) {
  const key = keyOf(stance);
  const task = `${stance.kind}_stance`;
  const rows = Object.entries(stance.scores)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([label, share]) => ({
      name: labelName(task, label),
      share,
      tone: tones[label] ?? "plain",
      best: label === stance.label,
    }));
  const count = stance.evidence.length;
  const name = button("", () => on.light(stance), {
    className: "target",
    disabled: !count,
    "aria-pressed": String(lit === key),
    "data-key": `light:${key}`,
  });
  const evidence = say().evidence(number(count), count);
  name.append(
    make("bdi", { lang: "fa", textContent: stance.target, translate: false }),
    make("span", { className: "soft small", textContent: stance.kind === "claim" ? `${say().claim} · ${evidence}` : evidence }),
  );
  const remove = button(say().remove, () => on.remove(stance), {
    className: "quiet",
    "aria-label": say().removeOf(stance.target),
    "data-key": `remove:${key}`,
  });
  return make(
    "li",
    { className: lit === key || open === key ? "stance chosen" : "stance" },
    make(
      "div",
      { className: "head" },
      make("h3", {}, name),
      whyButton(key, open, say().whyOf(stance.target), () => on.why(stance)),
      ...(stance.added ? [remove] : []),
    ),
    bars(rows, stance.target),
  );
}

function whyButton(key, open, label, onclick) {
  return button(say().why, onclick, {
    className: "quiet",
    "aria-label": label,
    "aria-pressed": String(open === key),
    "data-key": `why:${key}`,
  });
}
