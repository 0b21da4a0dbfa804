// Shares as bars, each with its name and number.
import { percent } from "./language.js";
import { make } from "./elements.js";

/** *rows* are {name, share, tone}; *tone* names a colour of page.css. */
export function bars(rows, label) {
  return make("ol", { className: "bars", "aria-label": label }, ...rows.map(bar));
}

function bar({ name, share, tone = "", best = false }) {
  const fill = make("span", { className: `fill ${tone}` });
  fill.style.inlineSize = `${100 * share}%`;
  return make(
    "li",
    { className: best ? "best" : "" },
    make("span", { className: "name", textContent: name }),
    make("span", { className: "track", "aria-hidden": "true" }, fill),
    make("span", { className: "share", textContent: percent(share) }),
  );
}
