import { signal } from "@preact/signals";

/** What the page tells its user in passing. */
export const notice = signal<{ text: string; bad: boolean } | null>(null);

let fading: ReturnType<typeof setTimeout> | undefined;

export function tell(text: string, bad = false): void {
  notice.value = { text, bad };
  clearTimeout(fading);
  fading = setTimeout(() => (notice.value = null), bad ? 8_000 : 3_000);
}

export class LabError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Calls the lab API; its problem's own words are the error. */
export async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const init: RequestInit = { method, cache: "no-store" };
  if (typeof body === "string") {
    init.body = body;
    init.headers = { "Content-Type": "text/plain" };
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new LabError(0, "the lab does not answer");
  }
  const type = response.headers.get("Content-Type") ?? "";
  const content: unknown = response.status === 204 ? null : type.includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new LabError(response.status, (content as { detail?: string } | null)?.detail ?? `the lab answers ${response.status}`);
  return content;
}

/** The same for a button: what goes wrong is told, and the answer is null then. */
export async function act(method: string, path: string, body?: unknown): Promise<unknown> {
  try {
    return await ask(method, path, body);
  } catch (failure) {
    tell((failure as Error).message, true);
    return null;
  }
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied`);
  } catch {
    tell(`the browser does not let the page copy; here it is: ${text}`, true);
  }
}
