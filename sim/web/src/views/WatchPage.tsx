import { useEffect, useRef } from "preact/hooks";
import { Affiliation } from "./parts";

/** Somebody's console, read-only and full screen. */
export function WatchPage(props: { id: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let close = () => {};
    void import("../terminal").then(({ openScreen }) => {
      close = openScreen(place.current!, () => `watch=${encodeURIComponent(props.id)}`, () => {}, () => {}).close;
    });
    return () => close();
  }, []);
  return (
    <main class="watch">
      <h1>Console, read-only</h1>
      <div ref={place} class="terminal-place tab-shown" />
      <footer class="foot"><Affiliation /></footer>
    </main>
  );
}
