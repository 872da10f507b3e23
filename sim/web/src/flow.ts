import type { Login, Message, Step } from "./types";

export type Lane = "client" | "appliance" | "proxy" | "provider" | "phone" | "remote";

export interface Row { step: Step; from: Lane; to: Lane; text: string; good: boolean | null; derived: boolean }

export const LANES: Record<Lane, string> = { client: "Client", appliance: "Appliance", proxy: "Push proxy", provider: "APNs / FCM", phone: "Phone", remote: "Remote server" };

/** Who told whom, by what was looked at (docs/login.md). What is looked at inside the appliance goes nowhere. */
function way(step: Step): [Lane, Lane] {
  const { check, result } = step;
  switch (check) {
    case "asked": return ["client", "appliance"];
    case "challenge": return ["appliance", "client"];
    case "client": return result.startsWith("has to come") || result === "does not wait" ? ["appliance", "appliance"] : ["client", "appliance"];
    case "code": return ["client", "appliance"];
    case "phone": return ["phone", "appliance"];
    case "push": return result.startsWith("sent") ? ["appliance", "phone"] : ["appliance", "appliance"];
    case "remote server": return result === "asked" ? ["appliance", "remote"] : ["remote", "appliance"];
    case "login": return ["appliance", "client"];
    default: return ["appliance", "appliance"];
  }
}

/** A login as rows of a sequence diagram; the refusal that the client gets is told by no step of its own. */
export function rowsOf(login: Login): Row[] {
  const rows = login.steps.map((step): Row => {
    const [from, to] = way(step);
    const text = `${step.check}: ${step.result}${step.subject && step.check !== "asked" ? ` (${step.subject})` : ""}`;
    return { step, from, to, text, good: step.check === "login" ? true : step.decides ? login.outcome === "in" : null, derived: false };
  });
  const decided = login.decidedBy;
  if (login.outcome === "refused" && decided && decided.check !== "client") {
    rows.push({ step: { ...decided, decides: false, deadline: null, change: null }, from: "appliance", to: "client", text: "refused", good: false, derived: true });
  }
  return rows;
}

export function lanesOf(rows: Row[]): Lane[] {
  const remote = rows.some((row) => row.from === "remote" || row.to === "remote");
  return remote ? ["client", "appliance", "proxy", "provider", "phone", "remote"] : ["client", "appliance", "proxy", "provider", "phone"];
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

/** The messages of a login's pushes: their token and their end are in the step that sent them. */
export function messagesOf(login: Login, messages: Message[]): Message[] {
  const pushes = login.steps.filter((step) => step.check === "push" && step.deadline && step.subject);
  return messages.filter((message) => pushes.some((push) => push.subject === message.token && push.deadline === message.expires));
}
