import { signal } from "@preact/signals";
import type { LabEvent } from "./types";

/** As many as the unit keeps in memory; older ones are forgotten here, too. */
export const EVENTS_MAX = 10_000;
const SLACK = 1_000;

/** The events that the page has, oldest first; ids rise by one, so what is missing is known. */
export class EventStore {
  list: LabEvent[] = [];
  /** Rises with every change; what draws events looks at it. */
  readonly version = signal(0);
  /** Events that came, in all. */
  received = 0;
  /** Events of which the page knows that it never got them. */
  missed = 0;

  get last(): number {
    return this.list.length > 0 ? this.list[this.list.length - 1]!.id : -1;
  }

  add(events: LabEvent[]): void {
    let last = this.last;
    for (const event of events) {
      if (event.id <= last) continue; // A snapshot after a drop repeats some.
      if (last >= 0) this.missed += event.id - last - 1;
      this.list.push(event);
      this.received++;
      last = event.id;
    }
    if (this.list.length > EVENTS_MAX + SLACK) this.list.splice(0, this.list.length - EVENTS_MAX);
    if (events.length > 0) this.version.value++;
  }

  find(id: number): LabEvent | undefined {
    return find(this.list, id);
  }
}

export const events = new EventStore();

/** By halves: ids rise. */
export function find(list: LabEvent[], id: number): LabEvent | undefined {
  let [low, high] = [0, list.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = list[middle]!;
    if (found.id === id) return found;
    if (found.id < id) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
