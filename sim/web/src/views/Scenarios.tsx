import { useSignal } from "@preact/signals";
import { act } from "../api";
import { info } from "../state";
import type { ScenarioResult } from "../types";
import { View } from "./parts";

/** Scenarios that come with the tool. Each has a lab of its own, in memory: nothing of this lab changes. */
export function Scenarios() {
  const known = info.value?.scenarios ?? [];
  const picked = useSignal<string | null>(null);
  const name = picked.value ?? known[0]?.name ?? "";
  const seed = useSignal("1");
  const running = useSignal(false);
  const result = useSignal<ScenarioResult | null>(null);
  const run = async () => {
    running.value = true;
    result.value = (await act("POST", `/lab/scenarios/${encodeURIComponent(name)}`, { seed: Number(seed.value) })) as ScenarioResult | null;
    running.value = false;
  };
  return (
    <View id="scenarios" title="Scenarios">
      <form class="run-scenario" onSubmit={(event) => { event.preventDefault(); void run(); }}>
        <label>scenario <select id="scenario" value={name} onChange={(event) => (picked.value = event.currentTarget.value)}>
          {known.map((scenario) => <option key={scenario.name} value={scenario.name}>{scenario.name}: {scenario.title}</option>)}
        </select></label>
        <label>seed <input type="number" min="0" max="2147483647" required value={seed.value} onInput={(event) => (seed.value = event.currentTarget.value)} /></label>
        <button type="submit" id="run-scenario" disabled={running.value || name === ""}>{running.value ? "Running…" : "Run"}</button>
      </form>
      <div role="status">{result.value && <Result result={result.value} />}</div>
      <p class="quiet">Each runs in a lab of its own, in memory; nothing here changes.</p>
    </View>
  );
}

function Result(props: { result: ScenarioResult }) {
  const { result } = props;
  const { failure } = result;
  return (
    <div class={`scenario-result ${result.outcome}`}>
      <p><strong>{result.outcome}</strong>: {result.title} ({result.steps} steps, {result.events} events, {result.seconds.toFixed(2)} s, seed {result.seed}){result.skipped && ` ${result.skipped}`}</p>
      {failure && (
        <>
          <p>Step {failure.step} (line {failure.line}): {failure.what}</p>
          <p>expected: {failure.expected}<br />seen: {failure.seen}</p>
          <ol>{failure.timeline.map((line, index) => <li key={index}>{line}</li>)}</ol>
        </>
      )}
      <p>Event log SHA-256 <code>{result.eventLogSha256.slice(0, 16)}…</code></p>
    </div>
  );
}
