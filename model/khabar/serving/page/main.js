// The page: what is shown, and what each control does.
import { showStances, showTopic } from "./answers.js";
import { documentOf, explain, judge, keyOf, newDocument, read, topicKey } from "./documents.js";
import { calm, find, make } from "./elements.js";
import { entityMarks, setStop, showLegend, watchEntities } from "./entities.js";
import { asCsv, asJson, download } from "./exports.js";
import { number, say, speak, switchLanguage } from "./language.js";
import { labelName, loadLabels, loadedModel, look } from "./labels.js";
import { showPassage } from "./passage.js";
import { reasonMarks, showReason } from "./reason.js";
import { ServiceError } from "./service.js";
import { showTrouble } from "./trouble.js";

const sampleTitle = "شاخص آلودگی هوای کابل به ۲۸۶ رسید";
const readers = 3; // documents that are asked about at once
const patience = 5; // times that a busy service is asked again about one of several files

const hidden = new Set(); // entity types switched off
let documents = [];
let shown = null; // the document that is viewed
let lit = null; // the key of the stance whose evidence is lit
let reason = null; // { key, explanation } while it says why
let work = new AbortController(); // what is under way for these documents

// Reading

async function run(given) {
  work.abort();
  work = new AbortController();
  documents = given;
  view(given[0]);
  await goOn();
}

/** Read the documents that wait; errors are kept with the document that they are about. */
async function goOn() {
  const { signal } = work;
  const waiting = documents.filter(({ state }) => state === "waiting");
  report(say().reading);
  try {
    await loadLabels();
    await Promise.all(Array.from({ length: readers }, () => readAll(waiting, signal)));
  } catch (error) {
    fail(error, signal, goOn);
    return;
  }
  if (signal.aborted) return;
  report(shown.state === "done" ? say().ready : "");
  if (documents.length === 1 && shown.state === "done") find("compose").open = false;
}

async function readAll(waiting, signal) {
  for (let document = waiting.shift(); document && !signal.aborted; document = waiting.shift()) {
    document.state = "inHand";
    showFiles();
    await readOne(document, signal);
    showFiles();
    if (document === shown && !signal.aborted) show();
  }
}

async function readOne(document, signal) {
  try {
    await patiently(() => read(document, signal), signal);
    document.state = "done";
  } catch (error) {
    if (error.status === 401) {
      document.state = "waiting";
      throw error;
    }
    Object.assign(document, { state: "failed", error });
  }
}

async function patiently(ask, signal) {
  for (let left = documents.length > 1 ? patience : 0; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 503 || !left || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
    }
  }
}

function retry(document) {
  Object.assign(document, { state: "waiting", error: null });
  show();
  goOn();
}

/** Do what a control asks of the service; where it fails, it can be done again. */
async function attempt(message, action) {
  const { signal } = work;
  report(message);
  showTrouble(null);
  try {
    await action(signal);
    if (find("status").textContent === message) report("");
  } catch (error) {
    fail(error, signal, () => attempt(message, action));
  }
}

function fail(error, signal, again) {
  if (signal.aborted) return;
  if (!(error instanceof ServiceError)) throw error;
  report("");
  showTrouble(error, again);
}

// Showing

function view(document) {
  shown = document;
  [lit, reason] = [null, null];
  show();
}

/** Show the document that is viewed; what had the focus keeps it. */
function show() {
  const key = document.activeElement?.dataset.key;
  showFiles();
  showTrouble(shown?.error, shown?.error instanceof ServiceError ? () => retry(shown) : null);
  find("result").hidden = shown?.state !== "done";
  if (shown?.state === "done") showResult();
  if (key) document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function showResult() {
  const evidence = shown.stances.find((stance) => keyOf(stance) === lit)?.evidence ?? [];
  showTopic(shown.topic, reason?.key, why);
  showStances(shown.stances, lit, reason?.key, { light, why, remove });
  showLegend(shown.entities, hidden, toggle);
  find("legend").hidden = reason !== null;
  find("reason").hidden = reason === null;
  if (reason) showReason(reason.explanation, shown, () => [(reason = null), show()]);
  const marks = reason
    ? reasonMarks(reason.explanation, "text")
    : [...entityMarks(shown.entities), ...evidence.map(([start, end]) => ({ start, end, classes: ["evidence"] }))];
  showPassage(find("heading"), shown.title, reason ? reasonMarks(reason.explanation, "title") : []);
  showPassage(find("passage"), shown.text, marks);
  find("heading").hidden = !shown.title;
  find("fiction").hidden = !shown.fiction;
  hideTypes();
}

function hideTypes() {
  find("passage").className = ["passage", ...[...hidden].map((type) => `without-look-${look(type)}`)].join(" ");
  setStop(find("passage"));
}

function showFiles() {
  find("files").hidden = documents.length < 2;
  find("files").setAttribute("aria-label", say().files);
  find("files").replaceChildren(make("ul", {}, ...documents.map(fileEntry)));
}

function fileEntry(document, index) {
  const states = { waiting: say().waiting, inHand: say().inHand, failed: say().failed };
  const topic = document.topic && labelName("topic", document.topic.label);
  const open = make(
    "button",
    { type: "button", className: document.state, onclick: () => view(document), "data-key": `file:${index}` },
    make("bdi", { textContent: document.name }),
    make("span", { className: "soft", textContent: states[document.state] ?? topic ?? "" }),
  );
  if (document === shown) open.setAttribute("aria-current", "true");
  return make("li", {}, open);
}

function report(message) {
  find("status").textContent = message;
}

function showPreferences() {
  speak();
  find("theme").textContent = document.documentElement.dataset.theme === "dark" ? say().light : say().dark;
  find("body").placeholder = say().placeholder;
  const { name, version } = loadedModel() ?? {};
  find("model").textContent = name ? say().model(name, version) : "";
  showQuestion();
}

function showQuestion() {
  const claim = new FormData(find("asking")).get("kind") === "claim";
  const words = claim ? say().questionClaim : say().questionTarget;
  find("question").placeholder = words;
  find("question").setAttribute("aria-label", words);
}

// What the controls of the result do

function light(stance) {
  lit = lit === keyOf(stance) ? null : keyOf(stance);
  reason = null;
  show();
  if (!lit) return;
  report(say().lit(number(stance.evidence.length)));
  scrollTo(".evidence");
}

function why(stance) {
  const key = stance ? keyOf(stance) : topicKey;
  if (reason?.key === key) {
    reason = null;
    show();
    return;
  }
  const document = shown;
  attempt(say().explaining, async (signal) => {
    const explanation = await explain(document, stance, signal);
    if (document !== shown) return;
    [reason, lit] = [{ key, explanation }, null];
    show();
    find("reason").scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  });
}

function remove(stance) {
  shown.stances = shown.stances.filter((one) => one !== stance);
  if (lit === keyOf(stance)) lit = null;
  if (reason?.key === keyOf(stance)) reason = null;
  show();
  find("question").focus();
}

function toggle(type) {
  if (!hidden.delete(type)) hidden.add(type);
  showLegend(shown.entities, hidden, toggle);
  hideTypes();
  find("legend").querySelector(`[data-key="type:${CSS.escape(type)}"]`).focus();
}

function scrollTo(selector) {
  find("passage").querySelector(selector)?.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
}

find("asking").addEventListener("change", showQuestion);
find("asking").addEventListener("submit", (event) => {
  event.preventDefault();
  const document = shown;
  const kind = new FormData(event.target).get("kind");
  const query = find("question").value.trim();
  attempt(say().judging, async (signal) => {
    const added = await judge(document, kind, query, signal);
    if (document !== shown) return;
    find("question").value = "";
    [lit, reason] = [added?.evidence.length ? keyOf(added) : null, null];
    show();
    report(lit ? say().lit(number(added.evidence.length)) : "");
  });
});

find("copy").addEventListener("click", async () => {
  const copied = await navigator.clipboard?.writeText(asJson([shown])).then(() => true, () => false);
  report(copied ? say().copied : say().notCopied);
});
const done = () => documents.filter(({ state }) => state === "done");
find("json").addEventListener("click", () => download(asJson(done()), "khabar.json", "application/json"));
find("csv").addEventListener("click", () => download(asCsv(done()), "khabar.csv", "text/csv"));
find("print").addEventListener("click", () => print());

// What is given

find("composing").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("body").value;
  const title = find("title").value.trim();
  run([newDocument({ title, text, fiction: isSample(text) })]);
});

let sample = null;
const isSample = (text) => sample !== null && text === sample;

find("sample").addEventListener("click", async () => {
  try {
    const answer = await fetch("page/article.txt");
    if (!answer.ok) throw new ServiceError("page/article.txt", answer.status);
    sample = (await answer.text()).trim();
  } catch (error) {
    showTrouble(error instanceof ServiceError ? error : new ServiceError("page/article.txt", 0), null);
    return;
  }
  find("title").value = sampleTitle;
  find("body").value = sample;
  find("composing").requestSubmit();
});

async function runFiles(files) {
  if (!files.length) return;
  find("compose").open = false;
  await run(await Promise.all([...files].map(documentOf)));
}

find("choose").addEventListener("click", () => find("picker").click());
find("picker").addEventListener("change", async ({ target }) => {
  const files = [...target.files];
  target.value = ""; // so that the same file may be chosen again
  await runFiles(files);
});

const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
window.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
window.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("dropping");
});
window.addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  if (!holdsFiles(event)) return;
  event.preventDefault();
  runFiles(event.dataTransfer.files);
});

// Preferences

find("language").addEventListener("click", () => {
  switchLanguage();
  report("");
  showPreferences();
  show();
});
find("theme").addEventListener("click", () => {
  window.switchTheme();
  showPreferences();
});

watchEntities(find("passage"), (index) => shown.entities[index]);
showPreferences();
loadLabels().then(showPreferences, () => {}); // a fault is told when the first text is read
