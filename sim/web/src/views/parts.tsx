import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { copy } from "../api";

export function View(props: { id: string; title: string; extra?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section id={props.id} class="view" aria-labelledby={`${props.id}-title`} tabIndex={-1}>
      <div class="view-head"><h2 id={`${props.id}-title`}>{props.title}</h2>{props.extra}</div>
      {props.children}
    </section>
  );
}

export function CopyButton(props: { text: string; what: string; label?: string }) {
  return <button type="button" class="plain small" onClick={() => void copy(props.text, props.what)} aria-label={`Copy ${props.what}`}>{props.label ?? "Copy"}</button>;
}

export function Affiliation() {
  return <p>A lab for testing. Not affiliated with Fortinet. Pushes, phones and logins here are simulated.</p>;
}

/** A dialog over the page: Escape and its button close it. */
export function Dialog(props: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before it is painted, because an immediately following key must find it open.
  useLayoutEffect(() => {
    dialog.current!.showModal();
  }, []);
  return (
    <dialog ref={dialog} onClose={props.close} aria-labelledby="dialog-title">
      <div class="view-head"><h2 id="dialog-title">{props.title}</h2><button type="button" class="plain" onClick={() => dialog.current!.close()}>Close</button></div>
      {props.children}
    </dialog>
  );
}

/** How much of a time is left, as a ring or a bar that runs out. */
export function Ring(props: { part: number; children: ComponentChildren }) {
  const around = 2 * Math.PI * 15;
  return (
    <span class="ring">
      <svg viewBox="0 0 36 36" aria-hidden="true">
        <circle class="ring-back" cx="18" cy="18" r="15" />
        <circle class={`ring-left ${props.part < 0.2 ? "short" : ""}`} cx="18" cy="18" r="15" stroke-dasharray={`${around}`} stroke-dashoffset={`${around * (1 - props.part)}`} transform="rotate(-90 18 18)" />
      </svg>
      <span aria-hidden="true">{props.children}</span>
    </span>
  );
}

export function Bar(props: { part: number; label: string }) {
  const part = Math.min(1, Math.max(0, props.part));
  return (
    <span class="bar"><svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="bar-back" width="100" height="6" rx="3" /><rect class={`bar-left ${part < 0.2 ? "short" : ""}`} width={100 * part} height="6" rx="3" /></svg><span>{props.label}</span></span>
  );
}
