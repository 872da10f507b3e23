import { connection, take } from "./state";
import { events } from "./events";
import type { Frame } from "./types";

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;
/** The lab says something every second; a connection that says nothing for so long is dead. */
const SILENCE = 5_000;

/** Follows the lab's state: a snapshot, then each change; after a drop it goes on where it was. */
export function follow(): void {
  let epoch = "";
  let seq = 0;
  let wait = FIRST_WAIT;

  const connect = (): void => {
    const query = epoch === "" ? "" : `?epoch=${epoch}&seq=${seq}&event=${Math.max(0, events.last)}`;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/lab/stream${query}`);
    let heard = performance.now();
    const watchdog = setInterval(() => {
      if (performance.now() - heard > SILENCE) socket.close();
    }, 1_000);
    socket.onmessage = (message: MessageEvent<string>) => {
      heard = performance.now();
      const frame = JSON.parse(message.data) as Frame;
      if (frame.epoch !== undefined && frame.seq !== undefined) {
        epoch = frame.epoch;
        seq = frame.seq;
      }
      take(frame);
      connection.value = "live";
      wait = FIRST_WAIT;
    };
    socket.onclose = () => {
      clearInterval(watchdog);
      connection.value = "lost";
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  };
  connect();
}
