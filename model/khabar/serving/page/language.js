// The language of the page: its words, its numbers, its direction.
import { words } from "./words.js";

const key = "khabar.language";
let language = stored();

function stored() {
  try {
    return localStorage.getItem(key) === "en" ? "en" : "fa";
  } catch {
    return "fa"; // storage may be forbidden
  }
}

export const inPersian = () => language === "fa";
export const say = () => words[language];
export const number = (value) => new Intl.NumberFormat(language).format(value);
export const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);

export function switchLanguage() {
  language = inPersian() ? "en" : "fa";
  try {
    localStorage.setItem(key, language);
  } catch {} // then it holds until the page is closed
}

/** Put the words of the language where the page's elements ask for them by name. */
export function speak() {
  const root = document.documentElement;
  root.lang = language;
  root.dir = inPersian() ? "rtl" : "ltr";
  document.title = say().name;
  for (const place of document.querySelectorAll("[data-words]")) place.textContent = say()[place.dataset.words];
}
