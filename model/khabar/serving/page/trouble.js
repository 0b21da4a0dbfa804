// What went wrong, in words, with what can be done about it.
import { FileError } from "./documents.js";
import { button, find, make } from "./elements.js";
import { inPersian, number, say } from "./language.js";
import { ServiceError, hasToken, useToken } from "./service.js";

/** Say what is wrong in the language of the page. */
export function inWords(error) {
  const { errors } = say();
  if (error instanceof FileError) return error.tooLarge ? errors[413] : errors.encoding(error.file);
  if (!(error instanceof ServiceError)) return String(error);
  if (error.status === 401 && hasToken()) return errors.wrongToken;
  if (error.status === 422) return errors[field(error)] ?? errors[422];
  if (error.status === 503) return errors[503](number(error.retryAfter));
  return errors[error.status] ?? errors.other(number(error.status));
}

function field({ path, problems }) {
  const name = problems[0]?.field?.split(".")[0];
  return name === "text" && path.endsWith("explain") ? "explainText" : name;
}

/** *again* does once more what has failed; it is null where that would not help. */
export function showTrouble(error, again) {
  const notice = find("notice");
  notice.hidden = !error;
  notice.replaceChildren();
  if (!error) return;
  notice.append(make("p", { textContent: inWords(error) }));
  if (!inPersian() && error.status === 422) {
    notice.append(...error.problems.map(({ message }) => make("p", { className: "small", textContent: message })));
  }
  if (error.status === 401) notice.append(tokenForm(again));
  else if (again) notice.append(button(say().again, again));
}

function tokenForm(again) {
  const input = make("input", { type: "password", id: "token", autocomplete: "off", required: true, dir: "ltr" });
  const label = make("label", { htmlFor: "token", textContent: say().token });
  const enter = make("button", { textContent: say().enter });
  const form = make("form", { className: "row" }, label, input, enter);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(input.value);
    again();
  });
  return form;
}
