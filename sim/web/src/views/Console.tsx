import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { copy } from "../api";
import type { Screen } from "../terminal";
import { View } from "./parts";

interface Tab { key: number; name: string; login: boolean; id: string | null; watch: string | null }

const KEY = "lab-consoles";
let nextKey = 1;

/** The sessions of this browser tab: they are taken up again after a reload. */
const tabs = signal<Tab[]>(remembered());
const shown = signal(tabs.value[0]!.key);

function remembered(): Tab[] {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as { name: string; login: boolean; id: string }[];
    if (saved.length > 0) return saved.map((tab) => ({ key: nextKey++, name: tab.name, login: tab.login, id: tab.id, watch: null }));
  } catch {
    sessionStorage.removeItem(KEY);
  }
  return [{ key: nextKey++, name: "console", login: false, id: null, watch: null }];
}

tabs.subscribe((all) => sessionStorage.setItem(KEY, JSON.stringify(all.filter((tab) => tab.id !== null).map(({ name, login, id }) => ({ name, login, id })))));

function open(login: boolean): void {
  const tab: Tab = { key: nextKey++, name: login ? "login" : "console", login, id: null, watch: null };
  tabs.value = [...tabs.value, tab];
  shown.value = tab.key;
}

function close(key: number): void {
  const rest = tabs.value.filter((tab) => tab.key !== key);
  if (rest.length === 0) {
    tabs.value = [];
    open(false);
    return;
  }
  tabs.value = rest;
  if (shown.value === key) shown.value = rest[rest.length - 1]!.key;
}

function change(key: number, told: Partial<Tab>): void {
  tabs.value = tabs.value.map((tab) => (tab.key === key ? { ...tab, ...told } : tab));
}

export function Console() {
  const current = tabs.value.find((tab) => tab.key === shown.value);
  const share = () => {
    if (current?.watch) void copy(`${location.origin}/console/${current.watch}`, "read-only link");
  };
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    const at = tabs.value.findIndex((tab) => tab.key === shown.value);
    shown.value = tabs.value[(at + by + tabs.value.length) % tabs.value.length]!.key;
    event.preventDefault();
    requestAnimationFrame(() => document.getElementById(`tab-${shown.value}`)?.focus());
  };
  return (
    <View id="console" title="Console" extra={
      <>
        <button type="button" class="plain" onClick={() => open(false)}>New console</button>
        <button type="button" class="plain" onClick={() => open(true)}>New login</button>
        <button type="button" class="plain" onClick={share} disabled={!current?.watch}>Share read-only</button>
        {tabs.value.length > 1 && <button type="button" class="plain" onClick={() => close(shown.value)}>Close tab</button>}
      </>
    }>
      <div class="tabs" role="tablist" aria-label="Console sessions" onKeyDown={move}>
        {tabs.value.map((tab, index) => (
          <button key={tab.key} type="button" role="tab" id={`tab-${tab.key}`} aria-selected={tab.key === shown.value} aria-controls={`screen-${tab.key}`} tabIndex={tab.key === shown.value ? 0 : -1} onClick={() => (shown.value = tab.key)}>
            {tab.name} {index + 1}
          </button>
        ))}
      </div>
      {tabs.value.map((tab) => <TabScreen key={tab.key} tab={tab} />)}
      <p class="quiet">F6 leaves the console.</p>
    </View>
  );
}

function TabScreen(props: { tab: Tab }) {
  const { tab } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let screen: Screen | null = null;
    let gone = false;
    // The terminal is the largest part of the page: it comes after the first paint.
    void import("../terminal").then(({ openScreen }) => {
      if (gone) return;
      const start = () => {
        screen = openScreen(
          place.current!,
          (size) => (tab.id ? `id=${tab.id}` : `rows=${size.rows}&columns=${size.columns}${tab.login ? "&login=1" : ""}`),
          (hello) => change(tab.key, { id: hello.id, watch: hello.watch }),
          () => {
            screen?.close();
            tab.id = null;
            start();
            screen?.focus();
          },
        );
      };
      start();
    });
    return () => {
      gone = true;
      screen?.close();
    };
  }, []);
  const here = tab.key === shown.value;
  return <div ref={place} id={`screen-${tab.key}`} role="tabpanel" aria-labelledby={`tab-${tab.key}`} class={`terminal-place ${here ? "tab-shown" : "tab-hidden"}`} />;
}
