import { computed } from "@preact/signals";
import { act } from "../api";
import { clock, labNow, now, seconds, timeOfDay } from "../clock";
import { loginList, phoneList } from "../state";

const MODES: [string, string][] = [["real", "Real"], ["frozen", "Frozen"], ["x60", "×60"]];

/** Every deadline of which the page knows, soonest first; those that have passed are not looked at. */
const deadlines = computed(() => {
  const known: { at: number; what: string }[] = [];
  for (const login of loginList.value) {
    if (login.outcome !== "pending") continue;
    for (const step of login.steps) if (step.deadline) known.push({ at: Date.parse(step.deadline), what: `${step.check} of ${login.user}` });
  }
  for (const phone of phoneList.value) for (const push of phone.pending) known.push({ at: Date.parse(push.expires), what: `push of ${push.user}` });
  return known.sort((a, b) => a.at - b.at);
});

export function ClockBar() {
  const next = deadlines.value.find((deadline) => deadline.at > now.value);
  const advance = (by: number) => void act("POST", "/lab/clock", { advanceSeconds: by });
  const step = () => {
    // One millisecond more: the lab counts in finer steps than it tells, and only at its deadline a deadline is over.
    if (next) advance((Math.ceil(next.at - labNow()) + 1) / 1000);
  };
  return (
    <div class="clock" role="group" aria-label="Clock of the lab">
      <time class="clock-now" aria-label="Lab time, UTC">{timeOfDay(now.value)}</time>
      <div class="choice" role="radiogroup" aria-label="How time goes">
        {MODES.map(([mode, name]) => (
          <label key={mode}><input type="radio" name="clock" checked={clock.value.mode === mode} onChange={() => void act("POST", "/lab/clock", { mode })} />{name}</label>
        ))}
      </div>
      <button type="button" onClick={() => advance(1)}>+1 s</button>
      <button type="button" onClick={() => advance(30)}>+30 s</button>
      <button type="button" onClick={step} disabled={!next} id="next-deadline">Next deadline{next ? `: ${next.what}, ${seconds(next.at - now.value)}` : ""}</button>
    </div>
  );
}
