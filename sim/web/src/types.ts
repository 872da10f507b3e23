// What the lab sends (sim/Lab/Page/PageJson.cs, sim/Lab/Messages/LabJson.cs).
export interface Nic { name: string; address: string; allowaccess: string[]; link: boolean; accepted: number; live: number }
export interface Service { service: string; nic: string; address: string; port: number }
export interface Unit { up: boolean; nics: Nic[]; services: Service[]; users: string[]; login: string[] }
export interface Push { id: string; user: string; from: string; time: string; expires: string; numberMatch: boolean }
export interface LastAnswer { session: string; action: string; answered: number | null; outcome: string; detail: string; time: string }
export interface Phone {
  serial: string; enrolment: string; user: string | null; platform: string; mode: string; delayMs: number; skewSeconds: number;
  online: boolean; code: string; stepSeconds: number; push: boolean; pending: Push[]; lastAnswer: LastAnswer | null;
}
export interface Clock { now: string; mode: string; factor: number }
export interface Step { time: string; check: string; result: string; subject: string | null; deadline: string | null; change: string | null; decides: boolean }
export interface Login { id: number; time: string; user: string; outcome: "in" | "refused" | "pending"; decidedBy: Step | null; steps: Step[] }
export interface LabEvent {
  id: number; time: string; logid: string; subtype: string; level: string; logdesc: string; fields: Record<string, string>; line: string;
}
export interface Fault {
  fault: string; times?: number; p?: number; after?: number; seed?: number; match?: { user?: string; src?: string; phone?: string };
  delayMs?: number; retryAfterSeconds?: number; skewSeconds?: number; stepSeconds?: number; nic?: string; fired?: number; left?: number;
}
export interface Policy { pushLimit: number; pushWindowSeconds: number; numberMatch: boolean; pushLifeSeconds: number; nameSpellingBug: boolean }
export interface Letter { id: number; time: string; kind: string; to: string; subject: string; text: string; code: string | null }
export interface Info { board: string; words: Record<string, string[]>; lan: string | null; pairingCode: string | null; scenarios: Scenario[] }
export type Lane = "client" | "appliance" | "fac" | "remote" | "proxy" | "provider" | "phone";
/** Of a login; `after` is how many of its steps came before it. */
export interface Message {
  id: number; login: number; time: string; after: number; from: Lane; to: Lane; name: string; start: string; headers: [string, string][]; body: string;
}
export interface Led { name: string; lit: boolean; pattern: string }
export interface Button { name: string; pressed: boolean; heldSeconds: number }
export interface Panel { board: string; model: string; leds: Led[]; buttons: Button[]; display: string[] | null }
export interface Scenario { name: string; title: string; needs: string[] }
export interface ScenarioFailure { step: number; line: number; what: string; expected: string; seen: string; timeline: string[] }
export interface ScenarioResult {
  name: string; title: string; seed: number; outcome: "passed" | "failed" | "skipped"; steps: number; skipped: string | null; failure: ScenarioFailure | null;
  events: number; eventLogSha256: string; seconds: number;
}

export interface Frame {
  epoch?: string; seq?: number; whole?: boolean; clock: Clock;
  set?: Record<string, unknown>; logins?: Login[]; messages?: Message[]; events?: LabEvent[];
}
