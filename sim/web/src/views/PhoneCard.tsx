import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { act, copy } from "../api";
import { labNow, now, seconds, timeOfDay } from "../clock";
import type { Phone, Push } from "../types";
import { Bar, Ring } from "./parts";

/** A phone as its owner sees it: the lock screen, what it asks, and the code. */
export function PhoneCard(props: { phone: Phone; answerPath: string; children?: ComponentChildren }) {
  const { phone } = props;
  const own = now.value + phone.skewSeconds * 1000;
  const step = phone.stepSeconds * 1000;
  const left = step - (own % step);
  const [first, ...more] = phone.pending;
  return (
    <article class={`phone ${phone.online ? "" : "offline"} ${first ? "asks" : ""}`} aria-label={`Phone of ${phone.user ?? "nobody"}`} data-serial={phone.serial}>
      <div class="phone-top"><span>{phone.online ? "5G" : "no connection"}</span><span>{phone.platform === "ios" ? "iOS" : "Android"}</span></div>
      <p class="phone-time">{timeOfDay(own).slice(0, 5)}</p>
      <p class="phone-owner">{phone.user ?? "nobody's"} <span>{phone.serial}</span></p>
      <div class="notifications" aria-live="polite">
        {first ? <Notification key={first.id} push={first} answerPath={props.answerPath} /> : <p class="phone-quiet">{!phone.online ? "Offline: pushes wait in the cloud" : phone.push ? "No login is asking" : "Shows codes; gets no push"}</p>}
        {more.length > 0 && <p class="phone-quiet">and {more.length} more</p>}
        {!first && phone.lastAnswer && <p class={`phone-last ${phone.lastAnswer.outcome}`}>{phone.lastAnswer.action === "approve" ? "Approved" : "Denied"}: {phone.lastAnswer.outcome} ({phone.lastAnswer.detail})</p>}
      </div>
      <button type="button" class="code" onClick={() => void copy(phone.code, "code")}>
        <span class="hidden">Copy code </span>
        <Ring part={left / step}>{Math.ceil(left / 1000)}</Ring>
        <span class="digits">{phone.code.replace(/^(\d{3})(?=\d{3}$)/, "$1 ")}</span>
      </button>
      {props.children}
    </article>
  );
}

function Notification(props: { push: Push; answerPath: string }) {
  const { push } = props;
  const number = useSignal("");
  const busy = useSignal(false);
  const life = Date.parse(push.expires) - Date.parse(push.time);
  const left = Date.parse(push.expires) - now.value;
  const answer = async (decision: "approve" | "deny") => {
    busy.value = true;
    await act("POST", `${props.answerPath}/${decision}`, decision === "approve" && push.numberMatch ? { number: Number(number.value) } : undefined);
    busy.value = false;
  };
  return (
    <div class="notification" role="group" aria-label={`Login request of ${push.user}`}>
      <p class="ask"><strong>Login request</strong><time>{ago(push.time)}</time></p>
      <p><b>{push.user}</b> wants to log in to the VPN from <b>{place(push.from)}</b> at {timeOfDay(push.time)}.</p>
      <Bar part={left / life} label={`${seconds(left)} left`} />
      {push.numberMatch && (
        <label class="number">Number that the login shows
          <input inputMode="numeric" pattern="[0-9]{2}" maxLength={2} autoComplete="off" value={number.value} onInput={(event) => (number.value = event.currentTarget.value.replace(/\D/g, ""))} />
        </label>
      )}
      <div class="answers">
        <button type="button" class="deny" disabled={busy.value} onClick={() => void answer("deny")}>Deny</button>
        <button type="button" class="approve" data-first disabled={busy.value || (push.numberMatch && number.value.length !== 2)} onClick={() => void answer("approve")}>Approve</button>
      </div>
    </div>
  );
}

function place(address: string): string {
  return address.startsWith("127.") || address === "::1" ? `this machine (${address})` : address;
}

function ago(time: string): string {
  const ms = labNow() - Date.parse(time);
  return ms < 5_000 ? "now" : `${seconds(ms)} ago`;
}
