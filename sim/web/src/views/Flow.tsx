import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { now, seconds, timeOfDay } from "../clock";
import { explanation, LANES, lanesOf, messagesOf, rowsOf, type Lane, type Row } from "../flow";
import { loginList, logins, messages } from "../state";
import type { Login } from "../types";
import { Bar, CopyButton, View } from "./parts";

/** Null follows the newest login. */
const selected = signal<number | null>(linked());
const login = computed(() => (selected.value === null ? undefined : logins.value.get(selected.value)) ?? loginList.value[0]);

function linked(): number | null {
  const id = /^#login=(\d+)$/.exec(location.hash)?.[1];
  return id === undefined ? null : Number(id);
}

const WORDS = { in: "in", refused: "refused", pending: "pending" };

export function Flow() {
  const current = login.value;
  useEffect(() => {
    const changed = () => {
      if (linked() !== null) selected.value = linked();
    };
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  return (
    <View id="flow" title="Flow" extra={current && (
      <>
        <label>login <select value={selected.value ?? "newest"} onChange={(event) => (selected.value = event.currentTarget.value === "newest" ? null : Number(event.currentTarget.value))}>
          <option value="newest">newest</option>
          {loginList.value.slice(0, 50).map((known) => <option key={known.id} value={known.id}>{known.id}: {known.user}, {WORDS[known.outcome]}, {timeOfDay(known.time)}</option>)}
        </select></label>
        <CopyButton text={JSON.stringify(current, null, 2)} what="login as JSON" label="JSON" />
        <CopyButton text={`${location.origin}/#login=${current.id}`} what="link to this login" label="Link" />
      </>
    )}>
      {current ? <Sequence login={current} /> : <p class="quiet">No login yet. Start a VPN client: a line to copy is at the box.</p>}
    </View>
  );
}

function Sequence(props: { login: Login }) {
  const rows = rowsOf(props.login);
  const lanes = lanesOf(rows);
  const decided = props.login.decidedBy;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The newest step is the one that is waited for.
    place.current!.scrollTop = place.current!.scrollHeight;
  }, [props.login.id, rows.length]);
  return (
    <>
      <p class={`outcome ${props.login.outcome}`} data-outcome={props.login.outcome}><strong>{props.login.user}: {WORDS[props.login.outcome]}</strong> {explanation(props.login)}</p>
      {decided?.change && <p class="change">This would change it: <code>{decided.change}</code><CopyButton text={decided.change} what="line that would change it" /></p>}
      <div ref={place} class="sequence" tabIndex={0} role="group" aria-label={`Steps of login ${props.login.id}`}>
        <div class="lanes" aria-hidden="true">{lanes.map((lane, index) => <span key={lane} style={{ left: `${at(lanes, index)}%` }}>{LANES[lane]}</span>)}</div>
        <ol class="rows">{rows.map((row, index) => <SequenceRow key={index} row={row} lanes={lanes} start={props.login.time} pending={props.login.outcome === "pending"} />)}</ol>
      </div>
      <Messages login={props.login} />
    </>
  );
}

/** What the phone got and sent for it. The client's own messages go by TLS between it and the appliance: the lab does not see them. */
function Messages(props: { login: Login }) {
  const own = messagesOf(props.login, messages.value);
  if (own.length === 0) return null;
  return (
    <details class="messages">
      <summary>Messages of the phone ({own.length}), secrets masked</summary>
      {own.map((message) => (
        <div key={message.id}>
          <p class="quiet">{timeOfDay(message.time, true)} {message.kind === "push" ? "to the phone" : "from the phone"}<CopyButton text={message.text} what={`${message.kind} message`} /></p>
          <pre tabIndex={0} aria-label={`${message.kind} message`}>{message.text}</pre>
        </div>
      ))}
    </details>
  );
}

function at(lanes: Lane[], index: number): number {
  return ((index + 0.5) / lanes.length) * 100;
}

function SequenceRow(props: { row: Row; lanes: Lane[]; start: string; pending: boolean }) {
  const { row, lanes } = props;
  const { step } = row;
  const after = (Date.parse(step.time) - Date.parse(props.start)) / 1000;
  const kind = row.good === null ? "" : row.good ? "good" : "bad";
  const inside = row.from === row.to;
  return (
    <li class={`row ${step.decides ? "decides" : ""} ${kind} ${inside ? "inside" : ""}`}>
      <span class="row-time" title={timeOfDay(step.time, true)}>+{after.toFixed(after < 10 ? 3 : 1)} s</span>
      <Strip row={row} lanes={lanes} />
      <span class="row-text"{...(inside ? { style: { paddingLeft: `calc(${at(lanes, lanes.indexOf(row.from))}% + 0.6rem)` } } : {})}>
        <span>{row.text}</span>{row.derived && <span class="quiet"> (follows from the step that decided)</span>}{step.decides && <strong class="badge">decided here</strong>}
      </span>
      {step.deadline && step.check !== "deadline" && <Deadline from={step.time} until={step.deadline} runs={props.pending} />}
      {step.change && <details class="row-change"><summary>what would change it</summary><code>{step.change}</code><CopyButton text={step.change} what="line" /></details>}
    </li>
  );
}

function Deadline(props: { from: string; until: string; runs: boolean }) {
  const until = Date.parse(props.until);
  const whole = until - Date.parse(props.from);
  const left = until - now.value;
  if (!props.runs) return <span class="quiet deadline">deadline {timeOfDay(until)}</span>;
  return <Bar part={whole > 0 ? left / whole : 0} label={left > 0 ? `${seconds(left)} until ${timeOfDay(until)}` : `passed at ${timeOfDay(until)}`} />;
}

function Strip(props: { row: Row; lanes: Lane[] }) {
  const { row, lanes } = props;
  const from = at(lanes, lanes.indexOf(row.from));
  const to = at(lanes, lanes.indexOf(row.to));
  const back = to < from;
  return (
    <span class="strip" aria-hidden="true">
      <svg width="100%" height="22">
        {lanes.map((lane, index) => <line key={lane} class="lane" x1={`${at(lanes, index)}%`} x2={`${at(lanes, index)}%`} y1="0" y2="22" />)}
        {row.from === row.to ? <circle class="dot" cx={`${from}%`} cy="11" r="4.5" /> : (
          <>
            <line class="arrow" x1={`${from}%`} x2={`${to}%`} y1="11" y2="11" />
            <svg x={`${to}%`} y="11" overflow="visible"><path class="head" d={back ? "M0 0l9-5v10z" : "M0 0l-9-5v10z"} /></svg>
          </>
        )}
      </svg>
    </span>
  );
}
