// What is given to read: a text in the form, the sample, files chosen or dropped on the page.
import { documentOf, newDocument } from "./documents.js";
import { find } from "./elements.js";
import { ServiceError } from "./service.js";

const sampleTitle = "شاخص آلودگی هوای کابل به ۲۸۶ رسید";
const sampleFile = "page/article.txt";
let sample = null;

/** Call *run* with the documents each time that some are given, *tell* with what hindered it. */
export function watchInput(run, tell) {
  find("composing").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = find("body").value;
    run([newDocument({ title: find("title").value.trim(), text, fiction: text === sample })]);
  });
  find("sample").addEventListener("click", () => giveSample(tell));

  async function runFiles(files) {
    if (!files.length) return;
    find("compose").open = false;
    run(await Promise.all(files.map(documentOf)));
  }

  find("choose").addEventListener("click", () => find("picker").click());
  find("picker").addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = ""; // so that the same file may be chosen again
    runFiles(files);
  });
  watchDrops(runFiles);
}

async function giveSample(tell) {
  try {
    const answer = await fetch(sampleFile);
    if (!answer.ok) throw new ServiceError(sampleFile, answer.status);
    sample = (await answer.text()).trim();
  } catch (error) {
    const told = error instanceof ServiceError ? error : new ServiceError(sampleFile, 0);
    tell({ error: told, again: () => giveSample(tell) });
    return;
  }
  find("title").value = sampleTitle;
  find("body").value = sample;
  find("composing").requestSubmit();
}

function watchDrops(runFiles) {
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
    runFiles([...event.dataTransfer.files]);
  });
}
