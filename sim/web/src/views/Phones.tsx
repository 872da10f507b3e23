import { useSignal } from "@preact/signals";
import { act } from "../api";
import { info, phoneList, policy } from "../state";
import type { Phone } from "../types";
import { EnrolDialog } from "./Enrol";
import { PhoneCard } from "./PhoneCard";
import { Dialog, View } from "./parts";
import { Qr } from "./Qr";

export function Phones() {
  const enrol = useSignal(false);
  const shown = useSignal<string | null>(null);
  const phone = phoneList.value.find((known) => known.serial === shown.value);
  return (
    <View id="phones" title="Phones" extra={
      <>
        <label class="switch"><input type="checkbox" checked={policy.value?.numberMatch ?? false} onChange={(event) => void act("PUT", "/lab/policy", { numberMatch: event.currentTarget.checked })} />number match</label>
        <button type="button" onClick={() => (enrol.value = true)}>New phone</button>
      </>
    }>
      <div class="phone-row">
        {phoneList.value.map((known) => (
          <PhoneCard key={known.serial} phone={known} answerPath={`/lab/phones/${encodeURIComponent(known.serial)}`}>
            <Settings phone={known} show={() => (shown.value = known.serial)} />
          </PhoneCard>
        ))}
        {phoneList.value.length === 0 && <p class="quiet">No token is on a phone yet. A new phone needs an activation code.</p>}
      </div>
      {enrol.value && <EnrolDialog close={() => (enrol.value = false)} />}
      {phone && <CardDialog phone={phone} close={() => (shown.value = null)} />}
    </View>
  );
}

function Settings(props: { phone: Phone; show: () => void }) {
  const { phone } = props;
  const change = (body: object) => void act("PUT", `/lab/phones/${encodeURIComponent(phone.serial)}`, body);
  return (
    <details class="settings">
      <summary>Behaviour{phone.mode !== "manual" || !phone.online || phone.skewSeconds !== 0 || phone.delayMs !== 0 ? " (changed)" : ""}</summary>
      <label class="switch"><input type="checkbox" checked={!phone.online} onChange={(event) => change({ online: !event.currentTarget.checked })} />offline</label>
      <label>answers <select value={phone.mode} onChange={(event) => change({ mode: event.currentTarget.value })}>
        <option value="manual">by hand</option><option value="approve">approves by itself</option><option value="deny">denies by itself</option><option value="ignore">never</option>
      </select></label>
      <label>after <NumberField min={0} max={86400} step={0.1} value={phone.delayMs / 1000} set={(value) => change({ delayMs: Math.round(value * 1000) })} /> s</label>
      <label>clock wrong by <NumberField min={-86400} max={86400} step={1} value={phone.skewSeconds} set={(value) => change({ skewSeconds: value })} /> s</label>
      <button type="button" class="plain small" onClick={props.show}>Alone, or on a real phone</button>
    </details>
  );
}

function CardDialog(props: { phone: Phone; close: () => void }) {
  const path = `/phone/${props.phone.enrolment}`;
  const lan = info.value?.lan;
  return (
    <Dialog title={`Phone of ${props.phone.user ?? props.phone.serial}`} close={props.close}>
      <p><a href={path} target="_blank" rel="noopener">Open this card alone</a></p>
      {lan ? (
        <>
          <p>Or on a real phone of your network: scan this, accept the lab's certificate, and type the pairing code <strong class="pairing">{info.value?.pairingCode}</strong>.</p>
          <Qr text={lan + path} label="Address of this phone's card" />
          <p><code>{lan + path}</code></p>
        </>
      ) : <p>To hold it on a real phone, start the lab with <code>--lab-listen ADDRESS</code>, an address of this machine on your network.</p>}
    </Dialog>
  );
}

/** What is being typed stays, whatever comes over the stream meanwhile; Enter or leaving the field sets it. */
function NumberField(props: { min: number; max: number; step: number; value: number; set: (value: number) => void }) {
  const draft = useSignal<string | null>(null);
  return (
    <input
      type="number" min={props.min} max={props.max} step={props.step} value={draft.value ?? props.value}
      onInput={(event) => (draft.value = event.currentTarget.value)}
      onChange={(event) => {
        if (event.currentTarget.value !== "") props.set(Number(event.currentTarget.value));
        draft.value = null;
      }}
      onBlur={() => (draft.value = null)}
    />
  );
}
