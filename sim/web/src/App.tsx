import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { notice } from "./api";
import { connection, info, unit } from "./state";
import { onKeys } from "./keys";
import { nextTheme, theme } from "./theme";
import { ClockBar } from "./views/ClockBar";
import { Console } from "./views/Console";
import { Events } from "./views/Events";
import { Faults } from "./views/Faults";
import { Flow } from "./views/Flow";
import { Help } from "./views/Help";
import { Panel } from "./views/Panel";
import { Phones } from "./views/Phones";
import { Scenarios } from "./views/Scenarios";
import { Affiliation } from "./views/parts";

const PLACES: [string, string][] = [
  ["panel", "Box"], ["phones", "Phones"], ["console", "Console"], ["flow", "Flow"], ["events", "Events"], ["faults", "Faults"], ["scenarios", "Scenarios"],
];

export function App() {
  const help = useSignal(false);
  useEffect(() => onKeys({ help: () => (help.value = true), theme: nextTheme }), []);
  return (
    <>
      <a class="skip" href="#phones">To the phones</a>
      <header class="top">
        <h1>Appliance lab</h1>
        <State />
        <ClockBar />
        <div class="top-end">
          <button type="button" class="plain" onClick={nextTheme} title="Theme (t)">Theme: {theme.value}</button>
          <button type="button" class="plain" onClick={() => (help.value = true)} title="Help (?)">Help</button>
        </div>
      </header>
      <nav class="places" aria-label="Parts of the page">
        {PLACES.filter(([id]) => id !== "scenarios" || (info.value?.scenarios.length ?? 0) > 0).map(([id, name]) => <a key={id} href={`#${id}`}>{name}</a>)}
      </nav>
      <main class="views">
        <Panel />
        <Console />
        <Flow />
        <Phones />
        <Events />
        <div class="side"><Faults />{(info.value?.scenarios.length ?? 0) > 0 && <Scenarios />}</div>
      </main>
      <footer class="foot"><Affiliation /></footer>
      <p class={`notice ${notice.value?.bad ? "bad" : ""}`} role="status" aria-live="polite" hidden={!notice.value}>{notice.value?.text}</p>
      {help.value && <Help close={() => (help.value = false)} />}
    </>
  );
}

function State() {
  const text = connection.value === "connecting" ? "connecting…" : connection.value === "lost" ? "the lab does not answer; trying again" : unit.value?.up === false ? "the box is starting" : "live";
  return <p class={`state ${text === "live" ? "good" : "bad"}`} role="status">{text}</p>;
}
