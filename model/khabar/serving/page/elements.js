// Elements of the page, by name and made anew.

export const find = (id) => document.getElementById(id);

/** Make an element; properties are the element's own, attributes too where they hold a dash. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function button(text, onclick, properties = {}) {
  return make("button", { type: "button", textContent: text, onclick, ...properties });
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
