import { computed, effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { timeOfDay } from "../clock";
import { events, find } from "../events";
import type { LabEvent } from "../types";
import { CopyButton, View } from "./parts";
import { Rate } from "./Rate";

const ROW = 26;
const OVER = 6;
const LEVELS = ["alert", "error", "warning", "notice", "information"];

const search = signal("");
const level = signal("information");
const subtype = signal("");
const paused = signal(false);
const chosen = signal<number | null>(linked());
const scroll = signal(0);
const height = signal(300);
const follows = signal(true);

function linked(): number | null {
  const id = /^#event=(\d+)$/.exec(location.hash)?.[1];
  return id === undefined ? null : Number(id);
}

/** What was there when the list was paused; it is what is shown until it goes on. */
let held: LabEvent[] | null = null;
effect(() => {
  held = paused.value ? [...events.list] : null;
});

function fits(event: LabEvent, words: string, most: number, kind: string): boolean {
  return LEVELS.indexOf(event.level) <= most && (kind === "" || event.subtype === kind) && (words === "" || event.line.toLowerCase().includes(words));
}

/** Only what came since the last look is looked at, unless the filter changed or the oldest were forgotten. */
let filtered: LabEvent[] = [];
let seenUpTo = -1;
let firstSeen = -1;
let filter = "";
const matching = computed(() => {
  events.version.value;
  const key = JSON.stringify([search.value, level.value, subtype.value, paused.value]);
  const [words, most] = [search.value.trim().toLowerCase(), LEVELS.indexOf(level.value)];
  const all = held ?? events.list;
  if (key !== filter || (all[0]?.id ?? -1) !== firstSeen || held) {
    filtered = all.filter((event) => fits(event, words, most, subtype.value));
  } else {
    const added: LabEvent[] = [];
    for (let index = all.length - 1; index >= 0 && all[index]!.id > seenUpTo; index--) if (fits(all[index]!, words, most, subtype.value)) added.push(all[index]!);
    if (added.length > 0) filtered = filtered.concat(added.reverse());
  }
  filter = key;
  firstSeen = all[0]?.id ?? -1;
  seenUpTo = all[all.length - 1]?.id ?? -1;
  return filtered;
});

export function Events() {
  useEffect(() => {
    const changed = () => (chosen.value = linked() ?? chosen.value);
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  events.version.value;
  const waiting = paused.value ? events.last - (held?.[held.length - 1]?.id ?? events.last) : 0;
  const kinds = ["system", "user", "vpn"];
  return (
    <View id="events" title="Events" extra={
      <>
        <label>level <select value={level.value} onChange={(event) => (level.value = event.currentTarget.value)}>{LEVELS.map((word) => <option key={word} value={word}>{word === "information" ? "all" : `${word} and worse`}</option>)}</select></label>
        <label>kind <select value={subtype.value} onChange={(event) => (subtype.value = event.currentTarget.value)}><option value="">all</option>{kinds.map((kind) => <option key={kind}>{kind}</option>)}</select></label>
        <input id="event-search" type="search" placeholder="Search (/)" aria-label="Search the events" value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        <button type="button" aria-pressed={paused.value} onClick={() => (paused.value = !paused.value)}>{paused.value ? `Go on${waiting > 0 ? ` (${waiting} new)` : ""}` : "Pause"}</button>
      </>
    }>
      <Rate />
      <List />
      <Detail />
      {events.missed > 0 && <p class="quiet">{events.missed} events were older than what the unit keeps in memory when this page came back.</p>}
    </View>
  );
}

function List() {
  const place = useRef<HTMLDivElement>(null);
  const list = matching.value;
  const most = Math.ceil(height.value / ROW) + 2 * OVER;
  const first = Math.max(0, Math.min(Math.floor(scroll.value / ROW) - OVER, list.length - most));
  const visible = list.slice(first, first + most);
  useEffect(() => {
    const element = place.current!;
    const sized = new ResizeObserver(() => (height.value = element.clientHeight));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  useEffect(() => {
    // The newest event is at the end; a user that scrolled up keeps the position.
    if (follows.value && !paused.value) place.current!.scrollTop = list.length * ROW;
  });
  const scrolled = () => {
    const element = place.current!;
    scroll.value = element.scrollTop;
    follows.value = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW;
  };
  const move = (event: KeyboardEvent) => {
    const at = list.findIndex((known) => known.id === chosen.value);
    const page = Math.floor(height.value / ROW);
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? list.length - 1 : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: list.length - 1 }[event.key];
    if (to === undefined || list.length === 0) return;
    event.preventDefault();
    const next = Math.min(list.length - 1, Math.max(0, to));
    chosen.value = list[next]!.id;
    follows.value = false;
    const element = place.current!;
    if (next * ROW < element.scrollTop) element.scrollTop = next * ROW;
    else if ((next + 1) * ROW > element.scrollTop + element.clientHeight) element.scrollTop = (next + 1) * ROW - element.clientHeight;
  };
  const chosenShown = visible.some((event) => event.id === chosen.value);
  return (
    <div ref={place} class="event-list" role="listbox" tabIndex={0} aria-label="Events, oldest first" data-received={events.received} data-last={events.last} onScroll={scrolled} onKeyDown={move} {...(chosenShown ? { "aria-activedescendant": `event-${chosen.value}` } : {})}>
      <div class="event-space" role="presentation" style={{ height: `${list.length * ROW}px` }}>
        {visible.map((event, index) => (
          <div key={event.id} id={`event-${event.id}`} role="option" aria-selected={event.id === chosen.value} aria-setsize={list.length} aria-posinset={first + index + 1}
            class={`event level-${event.level}`} style={{ top: `${(first + index) * ROW}px` }} onClick={() => (chosen.value = event.id)}>
            <time>{timeOfDay(event.time)}</time><span class="event-kind">{event.subtype}</span><span class="event-user">{event.fields["user"] ?? ""}</span><span class="event-text">{event.fields["msg"] ?? event.logdesc}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

function Detail() {
  events.version.value;
  const event = chosen.value === null ? undefined : events.find(chosen.value) ?? find(held ?? [], chosen.value);
  if (!event) return <p class="quiet">Choose an event to see its syslog line.</p>;
  return (
    <div class="event-detail">
      <p><strong>{event.logdesc}</strong> <span class="quiet">id {event.id}, logid {event.logid}, {event.level}</span>{" "}
        <CopyButton text={event.line} what="syslog line" label="Syslog line" />{" "}
        <CopyButton text={`${location.origin}/#event=${event.id}`} what="link to this event" label="Link" /></p>
      <pre tabIndex={0} aria-label="Syslog line">{event.line}</pre>
    </div>
  );
}
