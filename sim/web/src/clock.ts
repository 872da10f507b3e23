import { signal } from "@preact/signals";
import type { Clock } from "./types";

/** The lab's clock as it was told last. */
export const clock = signal<Clock>({ now: new Date(0).toISOString(), mode: "real", factor: 1 });

/** The lab's time in ms, a few times a second; stands still when the lab's clock does. */
export const now = signal(0);

let anchor = { lab: 0, at: 0, factor: 1 };

export function setClock(told: Clock): void {
  anchor = { lab: Date.parse(told.now), at: performance.now(), factor: told.factor };
  if (told.mode !== clock.value.mode) clock.value = told;
  tick();
}

/** The lab's time in ms at this moment. */
export function labNow(): number {
  return anchor.lab + (performance.now() - anchor.at) * anchor.factor;
}

function tick(): void {
  // Rounded: what is drawn of it does not change faster.
  now.value = Math.round(labNow() / 50) * 50;
}

setInterval(tick, 200);

export function timeOfDay(time: string | number, fraction = false): string {
  return new Date(time).toISOString().slice(11, fraction ? 23 : 19);
}

export function seconds(ms: number): string {
  // A tenth more than whole seconds is still those seconds: clocks here are accurate to a few milliseconds.
  const whole = Math.max(0, Math.ceil(ms / 1000 - 0.1));
  return whole < 120 ? `${whole} s` : whole < 7200 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h`;
}
