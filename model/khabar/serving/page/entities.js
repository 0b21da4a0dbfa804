// The legend of entity types, and what mouse and keyboard do with the entities in the text.
import { find, make } from "./elements.js";
import { inPersian, number, percent, say } from "./language.js";
import { labelName, look } from "./labels.js";

/** Show a switch for each type found; *hidden* holds the types that are switched off. */
export function showLegend(entities, hidden, toggle) {
  const counts = new Map();
  for (const { label } of entities) counts.set(label, (counts.get(label) ?? 0) + 1);
  const types = [...counts.keys()].sort((a, b) => look(a) - look(b));
  find("legend").setAttribute("aria-label", say().entities);
  find("legend").replaceChildren(
    ...types.map((type) =>
      make(
        "button",
        {
          type: "button",
          "aria-pressed": String(!hidden.has(type)),
          "data-key": `type:${type}`,
          onclick: () => toggle(type),
        },
        make("span", { className: `entity look-${look(type)}`, textContent: labelName("entities", type) }),
        make("span", { className: "soft", textContent: number(counts.get(type)) }),
      ),
    ),
    ...(types.length ? [] : [make("span", { className: "soft", textContent: say().noEntities })]),
  );
}

export function entityMarks(entities) {
  return entities.map(({ start, end, label }, entity) => ({
    start,
    end,
    entity,
    classes: ["entity", `look-${look(label)}`],
  }));
}

/** Leave a single stop for the Tab key among the entities that show; the arrow keys go on from there. */
export function setStop(passage) {
  for (const mark of passage.querySelectorAll("mark[tabindex='0']")) mark.tabIndex = -1;
  const first = shown(passage)[0];
  if (first) first.tabIndex = 0;
}

/** Show an entity's type and score while it is pointed at or focused; *entityOf* gives it by its number. */
export function watchEntities(passage, entityOf) {
  const open = ({ target }) => {
    const mark = target.closest("mark");
    if (mark) openTip(mark, entityOf(Number(mark.dataset.entity)));
  };
  passage.addEventListener("pointerover", open);
  passage.addEventListener("pointerout", closeTip);
  passage.addEventListener("focusin", open);
  passage.addEventListener("focusout", closeTip);
  passage.addEventListener("keydown", (event) => move(passage, event));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && closeTip());
  const follow = () => {
    const mark = passage.querySelector("mark:focus");
    if (mark && !find("tip").hidden) open({ target: mark });
    else closeTip();
  };
  document.addEventListener("scroll", follow, { passive: true });
}

/** The first mark of each entity whose type is not switched off; an entity may be cut where evidence begins. */
function shown(passage) {
  const numbers = new Set();
  return [...passage.querySelectorAll("mark")].filter((mark) => {
    const off = [...mark.classList].some((name) => passage.classList.contains(`without-${name}`));
    if (off || numbers.has(mark.dataset.entity)) return false;
    return numbers.add(mark.dataset.entity);
  });
}

function move(passage, event) {
  const marks = shown(passage);
  const here = marks.indexOf(event.target);
  const forward = getComputedStyle(passage).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
  if (here < 0 || !(sideways || event.key === "Home" || event.key === "End")) return;
  const steps = { Home: 0, End: marks.length - 1 };
  const next = marks[steps[event.key] ?? here + (event.key === forward ? 1 : -1)];
  event.preventDefault();
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function openTip(mark, { label, score }) {
  const tip = find("tip");
  tip.textContent = `${labelName("entities", label)}${inPersian() ? "، " : ", "}${say().sure(percent(score))}`;
  tip.hidden = false;
  const place = mark.getClientRects()[0];
  const width = document.documentElement.clientWidth;
  const middle = (place.left + place.right) / 2 - tip.offsetWidth / 2;
  tip.style.left = `${Math.max(8, Math.min(middle, width - tip.offsetWidth - 8))}px`;
  tip.style.top = `${place.top < tip.offsetHeight + 12 ? place.bottom + 6 : place.top - tip.offsetHeight - 6}px`;
}

function closeTip() {
  find("tip").hidden = true;
}
