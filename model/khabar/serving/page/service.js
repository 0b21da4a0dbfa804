// Questions to the service. A text is sent, and kept nowhere.

export class ServiceError extends Error {
  /** *status* is 0 where the service cannot be reached; *problems* are as its Failure lists them. */
  constructor(path, status, problems = [], retryAfter = 1) {
    super(`${path}: ${status}`);
    Object.assign(this, { path, status, problems, retryAfter });
  }
}

let token = "";

export const hasToken = () => token !== "";

export function useToken(value) {
  token = value;
}

export const model = () => ask("v1/model");
export const analyze = (asked, signal) => ask("v1/analyze", { ...asked, offsets: "utf16" }, signal);
export const explain = (asked, signal) => ask("v1/explain", { ...asked, offsets: "utf16" }, signal);

async function ask(path, body, signal) {
  const headers = {};
  if (hasToken()) headers.Authorization = `Bearer ${inBytes(token)}`;
  if (body) headers["Content-Type"] = "application/json";
  const request = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
  const answer = await fetch(path, { ...request, cache: "no-store" }).catch((error) => {
    throw error.name === "AbortError" ? error : new ServiceError(path, 0);
  });
  const found = await answer.json().catch((error) => {
    throw error.name === "AbortError" ? error : new ServiceError(path, answer.ok ? 0 : answer.status);
  });
  if (answer.ok) return found;
  throw new ServiceError(path, answer.status, found.errors, Number(answer.headers.get("Retry-After")) || 1);
}

/** A header takes no letters beyond Latin-1; the service reads its bytes as UTF-8. */
function inBytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
