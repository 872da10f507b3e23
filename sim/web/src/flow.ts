import type { Lane, Login, Message, Step } from "./types";

/** One line of the diagram: what the appliance decided, or a message. */
export interface Row {
  time: string; from: Lane; to: Lane; text: string; good: boolean | null; step: Step | null; message: Message | null; derived: boolean;
}

export const LANES: Record<Lane, string> = {
  client: "Client", appliance: "Appliance", fac: "Forti­Authen­ticator", remote: "RADIUS server", proxy: "Push proxy", provider: "APNs / FCM", phone: "Phone",
};
const ORDER: Lane[] = ["client", "appliance", "fac", "remote", "proxy", "provider", "phone"];

/** The sender and receiver of a step (docs/reference/login.md), for a login without captured messages, such as one at the console. */
function way(step: Step): [Lane, Lane] {
  const { check, result } = step;
  switch (check) {
    case "asked": return ["client", "appliance"];
    case "challenge": return ["appliance", "client"];
    case "client":
      return result.startsWith("must fetch") || result.startsWith("repeated its request") ? ["appliance", "appliance"] : ["client", "appliance"];
    case "code": return ["client", "appliance"];
    case "phone": return ["phone", "appliance"];
    case "push": return result.startsWith("sent") ? ["appliance", "phone"] : ["appliance", "appliance"];
    case "remote server": return ["request sent", "push requested", "reply sent"].includes(result) ? ["appliance", "remote"] : ["remote", "appliance"];
    case "login": return ["appliance", "client"];
    default: return ["appliance", "appliance"];
  }
}

/** A login as rows of a sequence diagram, in the order in which things happened: its steps, and its messages between them. */
export function rowsOf(login: Login, messages: Message[]): Row[] {
  const rows: Row[] = [];
  const inside = messages.length > 0;
  const last = messages.findLast((message) => message.from === "appliance" && message.to === "client");
  const decidedLast = login.outcome === "pending" ? undefined : last;
  const sorted = [...messages].sort((a, b) => a.after - b.after || a.id - b.id);
  let next = 0;
  const tell = (until: number): void => {
    for (; next < sorted.length && sorted[next]!.after <= until; next++) {
      const message = sorted[next]!;
      rows.push({ time: message.time, from: message.from, to: message.to, text: message.name, good: message === decidedLast ? login.outcome === "in" : null, step: null, message, derived: false });
    }
  };
  login.steps.forEach((step, index) => {
    tell(index);
    const [from, to]: [Lane, Lane] = inside ? ["appliance", "appliance"] : way(step);
    const text = `${step.check}: ${step.result}${step.subject && step.check !== "asked" ? ` (${step.subject})` : ""}`;
    rows.push({ time: step.time, from, to, text, good: step.check === "login" ? true : step.decides ? login.outcome === "in" : null, step, message: null, derived: false });
  });
  tell(Infinity);
  const decided = login.decidedBy;
  if (!inside && login.outcome === "refused" && decided && decided.check !== "client") {
    // No step reports the refusal.
    rows.push({ time: decided.time, from: "appliance", to: "client", text: "refused", good: false, step: null, message: null, derived: true });
  }
  return rows;
}

/** The lanes in use. The phone is always included. */
export function lanesOf(rows: Row[]): Lane[] {
  const used = new Set<Lane>(["client", "appliance", "phone", ...rows.flatMap((row) => [row.from, row.to])]);
  return ORDER.filter((lane) => used.has(lane));
}

/** One sentence that says why. */
export function explanation(login: Login): string {
  const by = login.decidedBy;
  if (login.outcome === "pending") {
    const last = login.steps[login.steps.length - 1];
    return `Not decided yet. Last: ${last ? `${last.check} ${last.result}` : "nothing"}.`;
  }
  const why = by ? `${by.check}: ${by.result}` : "no step says why";
  return login.outcome === "in" ? `${login.user} is in; ${why} decided it.` : `${login.user} was refused; ${why} decided it.`;
}

/** A message like an .http file has it. */
export function asHttp(message: Message): string {
  const headers = message.headers.map(([name, value]) => `${name}: ${value}\n`).join("");
  return `# ${message.time} ${message.from} to ${message.to}\n${message.start}\n${headers}${message.body === "" ? "" : `\n${message.body}\n`}`;
}

/** The same as JSON; a body that is JSON stands in it as such. */
export function asJson(message: Message): object {
  const { time, from, to, name, start, headers, body } = message;
  return { time, from, to, name, start, headers: headers.map(([field, value]) => ({ name: field, value })), body: parsed(body) };
}

function parsed(body: string): unknown {
  if (!body.startsWith("{")) return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
