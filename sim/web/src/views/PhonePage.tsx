import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, LabError, notice } from "../api";
import { setClock } from "../clock";
import type { Clock, Phone } from "../types";
import { EnrolForm } from "./Enrol";
import { PhoneCard } from "./PhoneCard";
import { Affiliation } from "./parts";

const NEW = "new";
const card = signal<Phone | null>(null);

/** One phone, full screen: on a tablet beside the projector, or on a real phone of the network. */
export function PhonePage(props: { enrolment: string }) {
  const state = useSignal<"asking" | "unpaired" | "gone" | "shown">("asking");
  const look = async () => {
    try {
      if (props.enrolment === NEW) {
        await ask("GET", "/lab/card");
      } else {
        card.value = (await ask("GET", `/lab/card/${encodeURIComponent(props.enrolment)}`)) as Phone;
        followPhone(props.enrolment);
      }
      state.value = "shown";
    } catch (failure) {
      state.value = failure instanceof LabError && failure.status === 401 ? "unpaired" : "gone";
    }
  };
  useEffect(() => void look(), []);
  return (
    <main class="alone">
      <h1 class="hidden">Phone of the lab</h1>
      {state.value === "unpaired" && <Pair done={() => void look()} />}
      {state.value === "gone" && <p>There is no such phone in this lab (any more). Its address is another one after each start of the lab. <a href="/phone/new">Enrol a new phone</a></p>}
      {state.value === "shown" && (props.enrolment === NEW ? <EnrolForm alone code="" done={(place) => location.assign(place)} />
        : card.value ? <PhoneCard phone={card.value} answerPath={`/lab/card/${encodeURIComponent(props.enrolment)}`} /> : <p>The token of this phone is gone.</p>)}
      <p class={`notice ${notice.value?.bad ? "bad" : ""}`} role="status" aria-live="polite" hidden={!notice.value}>{notice.value?.text}</p>
      <footer class="foot"><Affiliation /></footer>
    </main>
  );
}

function Pair(props: { done: () => void }) {
  const code = useSignal("");
  const wrong = useSignal("");
  const pair = async () => {
    try {
      await ask("POST", "/lab/pair", { code: code.value });
      props.done();
    } catch (failure) {
      wrong.value = (failure as Error).message;
    }
  };
  return (
    <form class="pair" onSubmit={(event) => { event.preventDefault(); void pair(); }}>
      <label>Pairing code that the lab shows <input inputMode="numeric" autoComplete="off" maxLength={8} value={code.value} onInput={(event) => (code.value = event.currentTarget.value)} /></label>
      <button type="submit" class="main">Pair</button>
      <p role="alert">{wrong.value}</p>
    </form>
  );
}

/** Each message tells the whole card; a drop loses nothing. */
function followPhone(enrolment: string): void {
  const connect = (): void => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/lab/stream?phone=${encodeURIComponent(enrolment)}`);
    socket.onmessage = (message: MessageEvent<string>) => {
      const told = JSON.parse(message.data) as { phone: Phone | null; clock: Clock };
      setClock(told.clock);
      card.value = told.phone;
    };
    socket.onclose = () => setTimeout(connect, 1_000);
  };
  connect();
}
