import { batch, computed, signal } from "@preact/signals";
import { setClock } from "./clock";
import { events } from "./events";
import type { Fault, Frame, Info, Letter, Login, Message, Panel, Phone, Policy, Unit } from "./types";

export const connection = signal<"connecting" | "live" | "lost">("connecting");
export const info = signal<Info | null>(null);
export const unit = signal<Unit | null>(null);
export const faults = signal<Fault[]>([]);
export const policy = signal<Policy | null>(null);
export const inbox = signal<Letter[]>([]);
export const phones = signal<ReadonlyMap<string, Phone>>(new Map());
export const logins = signal<ReadonlyMap<number, Login>>(new Map());
/** The messages of each login, oldest first, secrets masked. */
export const messages = signal<ReadonlyMap<number, Message[]>>(new Map());
/** The front of the box beside its ports; null on a board that has nothing there. */
export const panel = signal<Panel | null>(null);

export const phoneList = computed(() => [...phones.value.values()].sort((a, b) => a.serial.localeCompare(b.serial)));
export const loginList = computed(() => [...logins.value.values()].sort((a, b) => b.id - a.id));

const LOGINS_MAX = 100;
const PHONE = "phone:";

/** Takes what came over the stream: state flows this way only. */
export function take(frame: Frame): void {
  batch(() => {
    setClock(frame.clock);
    if (frame.set) takeParts(frame.set, frame.whole === true);
    if (frame.logins && (frame.logins.length > 0 || frame.whole)) takeLogins(frame.logins, frame.whole === true);
    if (frame.messages && (frame.messages.length > 0 || frame.whole)) takeMessages(frame.messages, frame.whole === true);
    if (frame.events && frame.events.length > 0) events.add(frame.events);
  });
}

function takeParts(set: Record<string, unknown>, whole: boolean): void {
  const nextPhones = new Map(whole ? [] : phones.value);
  let phonesChanged = whole;
  for (const [key, value] of Object.entries(set)) {
    if (key.startsWith(PHONE)) {
      phonesChanged = true;
      if (value === null) nextPhones.delete(key.slice(PHONE.length));
      else nextPhones.set(key.slice(PHONE.length), value as Phone);
      continue;
    }
    switch (key) {
      case "info": info.value = value as Info; break;
      case "unit": takeUnit(value as Unit); break;
      case "faults": faults.value = value as Fault[]; break;
      case "policy": policy.value = value as Policy | null; break;
      case "inbox": inbox.value = value as Letter[]; break;
      case "panel": panel.value = value as Panel | null; break;
    }
  }
  if (phonesChanged) phones.value = nextPhones;
}

/** A unit that restarts has no interfaces to tell of: those that it had are drawn dark. */
function takeUnit(told: Unit): void {
  const before = unit.value;
  unit.value = told.up || !before ? told : { ...before, up: false, nics: before.nics.map((nic) => ({ ...nic, link: false })) };
}

function takeLogins(told: Login[], whole: boolean): void {
  const next = new Map(whole ? [] : logins.value);
  for (const login of told) next.set(login.id, login);
  if (next.size > LOGINS_MAX) {
    for (const id of [...next.keys()].sort((a, b) => a - b).slice(0, next.size - LOGINS_MAX)) next.delete(id);
  }
  logins.value = next;
}

function takeMessages(told: Message[], whole: boolean): void {
  const next = new Map(whole ? [] : messages.value);
  for (const message of told) next.set(message.login, [...(next.get(message.login) ?? []), message]);
  if (next.size > LOGINS_MAX) {
    for (const id of [...next.keys()].sort((a, b) => a - b).slice(0, next.size - LOGINS_MAX)) next.delete(id);
  }
  messages.value = next;
}
