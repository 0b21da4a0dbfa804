// What the model's labels are called, and in which order it lists them.
import { inPersian } from "./language.js";
import * as service from "./service.js";
import { englishLabels } from "./words.js";

let model = null;

/** Ask the service which model it has, once. */
export async function loadLabels() {
  model ??= await service.model();
  return model;
}

export const loadedModel = () => model;

const labels = (task) => model?.tasks.find((one) => one.name === task)?.labels ?? [];

export const hasTask = (name) => model?.tasks.some((task) => task.name === name) ?? false;

export function labelName(task, key) {
  if (inPersian()) return labels(task).find((label) => label.key === key)?.name ?? key;
  return englishLabels[key] ?? key.replaceAll("_", " ");
}

/** The place of an entity type among the ten looks that page.css has. */
export const look = (type) => Math.max(0, labels("entities").findIndex((label) => label.key === type)) % 10;
