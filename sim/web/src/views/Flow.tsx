import { computed, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { now, seconds, timeOfDay } from "../clock";
import { asHttp, asJson, explanation, LANES, lanesOf, rowsOf, type Row } from "../flow";
import { loginList, logins, messages } from "../state";
import type { Lane, Login, Message } from "../types";
import { Bar, CopyButton, View } from "./parts";

/** Null follows the newest login. */
const selected = signal<number | null>(linked());
const login = computed(() => (selected.value === null ? undefined : logins.value.get(selected.value)) ?? loginList.value[0]);

function linked(): number | null {
  const id = /^#login=(\d+)$/.exec(location.hash)?.[1];
  return id === undefined ? null : Number(id);
}

/** Without what the appliance decided between them. */
const onlyMessages = signal(false);

const NONE: Message[] = [];
const messagesOf = (id: number): Message[] => messages.value.get(id) ?? NONE;

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
        {messagesOf(current.id).length > 0 && <label class="switch"><input type="checkbox" checked={onlyMessages.value} onChange={(event) => (onlyMessages.value = event.currentTarget.checked)} />messages only</label>}
        <CopyButton text={JSON.stringify({ ...current, messages: messagesOf(current.id).map(asJson) }, null, 2)} what="login as JSON" label="JSON" />
        {messagesOf(current.id).length > 0 && <CopyButton text={messagesOf(current.id).map(asHttp).join("\n###\n\n")} what="messages of the login as HTTP" label="HTTP" />}
        <CopyButton text={`${location.origin}/#login=${current.id}`} what="link to this login" label="Link" />
      </>
    )}>
      {current ? <Sequence login={current} /> : <p class="quiet">No login yet. Start a VPN client: a line to copy is at the box.</p>}
    </View>
  );
}

function Sequence(props: { login: Login }) {
  const { login } = props;
  const own = messagesOf(login.id);
  const all = rowsOf(login, own);
  const lanes = lanesOf(all);
  const rows = onlyMessages.value && own.length > 0 ? all.filter((row) => row.message || row.step?.decides) : all;
  const decided = login.decidedBy;
  const place = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    follows.current = true;
  }, [login.id]);
  useEffect(() => {
    // Follow the newest step, unless the user scrolled up.
    if (follows.current) place.current!.scrollTop = place.current!.scrollHeight;
  }, [login.id, rows.length]);
  const scrolled = () => {
    const { scrollTop, clientHeight, scrollHeight } = place.current!;
    follows.current = scrollTop + clientHeight >= scrollHeight - 30;
  };
  return (
    <>
      <p class={`outcome ${login.outcome}`} data-outcome={login.outcome}><strong>{login.user}: {WORDS[login.outcome]}</strong> {explanation(login)}</p>
      {decided?.change && <p class="change">This would change it: <code>{decided.change}</code><CopyButton text={decided.change} what="line that would change it" /></p>}
      <div ref={place} class={`sequence lanes-${lanes.length}`} tabIndex={0} role="group" aria-label={`Steps of login ${login.id}`} onScroll={scrolled}>
        <div class="lanes" aria-hidden="true">{lanes.map((lane, index) => <span key={lane} style={{ left: `${at(lanes, index)}%`, maxWidth: `calc(${100 / lanes.length}% - 0.2rem)` }}>{LANES[lane]}</span>)}</div>
        <ol class="rows">{rows.map((row) => <SequenceRow key={row.message ? `m${row.message.id}` : row.derived ? "derived" : `s${login.steps.indexOf(row.step!)}`} row={row} lanes={lanes} start={login.time} pending={login.outcome === "pending"} />)}</ol>
      </div>
    </>
  );
}

function at(lanes: Lane[], index: number): number {
  return ((index + 0.5) / lanes.length) * 100;
}

function SequenceRow(props: { row: Row; lanes: Lane[]; start: string; pending: boolean }) {
  const { row, lanes } = props;
  const { step, message } = row;
  const after = (Date.parse(row.time) - Date.parse(props.start)) / 1000;
  const kind = row.good === null ? "" : row.good ? "good" : "bad";
  const inside = row.from === row.to;
  return (
    <li class={`row ${step?.decides ? "decides" : ""} ${kind} ${inside ? "inside" : ""}`} {...(message ? { "data-way": `${row.from} ${row.to}` } : {})}>
      <span class="row-time" title={timeOfDay(row.time, true)}>+{after.toFixed(after < 10 ? 3 : 1)} s</span>
      <Strip row={row} lanes={lanes} />
      {message ? <Told message={message} /> : (
        <span class="row-text"{...(inside ? { style: { paddingLeft: `calc(${at(lanes, lanes.indexOf(row.from))}% + 0.6rem)` } } : {})}>
          <span>{row.text}</span>{row.derived && <span class="quiet"> (follows from the step that decided)</span>}{step?.decides && <strong class="badge">decided here</strong>}
        </span>
      )}
      {step?.deadline && step.check !== "deadline" && <Deadline from={step.time} until={step.deadline} runs={props.pending} />}
      {step?.change && <details class="row-change"><summary>what would change it</summary><code>{step.change}</code><CopyButton text={step.change} what="line" /></details>}
    </li>
  );
}

/** A message: its name, and on demand all of it. */
function Told(props: { message: Message }) {
  const { message } = props;
  const open = useSignal(false);
  const way = `${LANES[message.from]} to ${LANES[message.to]}`.replaceAll("\u00ad", "");
  return (
    <details class="row-message" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary><span class="hidden">{way}: </span>{message.name}</summary>
      {open.value && (
        <>
          <pre tabIndex={0} aria-label={`${message.name}, ${way}`}>{asHttp(message)}</pre>
          <p><CopyButton text={asHttp(message)} what={`${message.name} as HTTP`} label="HTTP" /><CopyButton text={JSON.stringify(asJson(message), null, 2)} what={`${message.name} as JSON`} label="JSON" /> <span class="quiet">secrets masked</span></p>
        </>
      )}
    </details>
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
