// The page: what is shown, and what each control does.
import { showStances, showTopic } from "./answers.js";
import { showAsking, watchAsking } from "./asking.js";
import { explain, judge, keyOf, topicKey } from "./documents.js";
import { calm, find } from "./elements.js";
import { entityMarks, setStop, showLegend, watchEntities } from "./entities.js";
import { asCsv, asJson, download } from "./exports.js";
import { showFiles } from "./files.js";
import { watchInput } from "./input.js";
import { number, say, speak, switchLanguage } from "./language.js";
import { loadLabels, loadedModel, look } from "./labels.js";
import { showPassage } from "./passage.js";
import { readAll } from "./queue.js";
import { reasonMarks, showReason } from "./reason.js";
import { ServiceError } from "./service.js";
import { showTrouble } from "./trouble.js";

const hidden = new Set(); // entity types switched off
let documents = [];
let shown = null; // the document that is viewed
let lit = null; // the key of the stance whose evidence is lit
let reason = null; // { key, explanation } while it says why
let trouble = null; // { error, again, about }: what could not be done, about one document or (none) about all
let turn = 0; // counts what is asked to explain; only the newest answer is shown
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
  setTrouble(null);
  report(say().reading);
  try {
    await loadLabels();
    showPreferences(); // the model has a name now
    await readAll(documents, signal, changed);
  } catch (error) {
    fail(error, signal, { again: goOn });
    return;
  }
  if (signal.aborted) return;
  report(shown.state === "done" ? say().ready : "");
  if (documents.length === 1 && shown.state === "done") fold();
}

function changed(document) {
  if (document === shown && document.state !== "inHand") show();
  else keepFocus(() => showFiles(documents, shown, view));
}

/** Fold the form away; the focus that was in it goes to what opens it again. */
function fold() {
  const within = find("compose").contains(document.activeElement);
  find("compose").open = false;
  if (within) find("compose").querySelector("summary").focus();
}

function retry(document) {
  Object.assign(document, { state: "waiting", error: null });
  show();
  goOn();
}

/** Do what a control asks of the service; where it fails, it can be done again. */
async function attempt(message, action) {
  const { signal } = work;
  const about = shown;
  const general = trouble?.about ? null : trouble; // files that wait for a token still do
  setTrouble(general);
  report(message);
  try {
    await action(signal);
    if (find("status").textContent === message) report("");
  } catch (error) {
    fail(error, signal, { again: () => [attempt(message, action), general?.again()], about });
  }
}

function fail(error, signal, retrial) {
  if (signal.aborted) return;
  if (!(error instanceof ServiceError)) throw error;
  report("");
  setTrouble({ error, ...retrial });
}

/** It stays, whatever else is shown, until what failed is done again or other work begins. */
function setTrouble(found) {
  trouble = found;
  showNotice();
}

// Showing

function view(document) {
  shown = document;
  if (lit) report(""); // it tells of what was lit
  [lit, reason] = [null, null];
  show();
}

function show() {
  keepFocus(() => {
    showFiles(documents, shown, view);
    showNotice();
    find("result").hidden = shown?.state !== "done";
    if (shown?.state === "done") showResult();
  });
}

function showNotice() {
  const error = shown?.error;
  if (trouble && (trouble.about ?? shown) === shown) showTrouble(trouble.error, trouble.again);
  else showTrouble(error, error instanceof ServiceError ? () => retry(shown) : null);
}

/** Make controls anew; the one that had the focus is found again by its key. */
function keepFocus(render) {
  const key = document.activeElement?.dataset.key;
  render();
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

function report(message) {
  find("status").textContent = message;
}

function showPreferences() {
  speak();
  find("theme").textContent = document.documentElement.dataset.theme === "dark" ? say().light : say().dark;
  find("body").placeholder = say().placeholder;
  const { name, version } = loadedModel() ?? {};
  find("model").textContent = name ? say().model(name, version) : "";
  showAsking();
}

// What the controls of the result do

function light(stance) {
  lit = lit === keyOf(stance) ? null : keyOf(stance);
  reason = null;
  show();
  report(lit ? say().lit(number(stance.evidence.length)) : "");
  find("passage").querySelector(".evidence")?.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
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
    const mine = (turn += 1);
    const explanation = await explain(document, stance, signal);
    if (document !== shown || mine !== turn) return;
    [reason, lit] = [{ key, explanation }, null];
    show();
    find("reason").scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  });
}

function remove(stance) {
  shown.stances = shown.stances.filter((one) => one !== stance);
  if (lit === keyOf(stance)) light(stance);
  if (reason?.key === keyOf(stance)) reason = null;
  show();
  find("question").focus();
}

function toggle(type) {
  if (!hidden.delete(type)) hidden.add(type);
  keepFocus(() => showLegend(shown.entities, hidden, toggle));
  hideTypes();
}

function ask(kind, query) {
  const document = shown;
  attempt(say().judging, async (signal) => {
    const added = await judge(document, kind, query, signal);
    if (document !== shown) return;
    if (find("question").value.trim() === query) find("question").value = ""; // else another is being written
    [lit, reason] = [added?.evidence.length ? keyOf(added) : null, null];
    show();
    find("judged").firstElementChild.scrollIntoView({ block: "nearest" });
    report(lit ? say().lit(number(added.evidence.length)) : "");
  });
}

find("copy").addEventListener("click", async () => {
  const copied = await navigator.clipboard?.writeText(asJson([shown])).then(() => true, () => false);
  report(copied ? say().copied : say().notCopied);
});
const done = () => documents.filter(({ state }) => state === "done");
find("json").addEventListener("click", () => download(asJson(done()), "khabar.json", "application/json"));
find("csv").addEventListener("click", () => download(asCsv(done()), "khabar.csv", "text/csv"));
find("print").addEventListener("click", () => print());

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

watchInput(run, setTrouble);
watchAsking(ask);
watchEntities(find("passage"), (index) => shown.entities[index]);
showPreferences();
loadLabels().then(showPreferences, () => {}); // a fault is told when the first text is read
