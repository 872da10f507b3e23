import { useSignal } from "@preact/signals";
import { act } from "../api";
import { info, unit } from "../state";
import type { Nic } from "../types";
import { CopyButton, View } from "./parts";

export function Panel() {
  const looked = useSignal<string | null>(null);
  const box = unit.value;
  const nic = box?.nics.find((known) => known.name === looked.value);
  return (
    <View id="panel" title="Box" extra={<span class="quiet">board {info.value?.board}</span>}>
      <div class={`chassis ${box?.up === false ? "down" : ""}`}>
        <div class="ports">
          {box?.nics.map((port) => <Port key={port.name} nic={port} look={(on) => (looked.value = on ? port.name : null)} />)}
        </div>
      </div>
      <p class="port-detail" aria-live="off">{nic ? detail(nic) : "Click a port to pull its cable; hover or focus tells more."}</p>
      {box && box.login.length > 0 && (
        <details class="lines">
          <summary>Log in from a terminal</summary>
          {box.login.map((line) => <p key={line}><code>{line}</code><CopyButton text={line} what="line" /></p>)}
        </details>
      )}
    </View>
  );
}

function detail(nic: Nic): string {
  const services = (unit.value?.services ?? []).filter((service) => service.nic === nic.name).map((service) => `${service.service} ${service.port}`);
  return `${nic.name} ${nic.address} · ${nic.link ? "link up" : "no link"} · allowaccess ${nic.allowaccess.join(" ") || "none"} · ${services.join(", ") || "no service"} · ${nic.live} live of ${nic.accepted} accepted connections`;
}

function Port(props: { nic: Nic; look: (on: boolean) => void }) {
  const { nic, look } = props;
  const ftm = nic.allowaccess.includes("ftm");
  return (
    <button
      type="button" class={`port ${nic.link ? "up" : "pulled"}`} aria-pressed={!nic.link}
      onClick={() => void act("PUT", `/lab/nics/${encodeURIComponent(nic.name)}`, { link: !nic.link })}
      onMouseEnter={() => look(true)} onFocus={() => look(true)} onMouseLeave={() => look(false)} onBlur={() => look(false)}
    >
      <svg viewBox="0 0 64 56" class="jack" aria-hidden="true">
        <rect class="jack-frame" x="4" y="4" width="56" height="44" rx="4" />
        <path class="jack-hole" d="M12 12h40v22h-6v6H18v-6h-6z" />
        <path class="jack-pins" d="M18 12v7M23 12v7M28 12v7M36 12v7M41 12v7M46 12v7" />
        {nic.link && <path class="cable" d="M22 24h20v14h-4v18H26V38h-4z" />}
        <circle class="led link" cx="11" cy="45" r="3" />
        <circle class={`led activity ${nic.live > 0 ? "on" : ""}`} cx="53" cy="45" r="3" />
      </svg>
      <strong>{nic.name}</strong>
      <span class="quiet">{nic.address}</span>
      <span class="flags">{nic.allowaccess.length === 0 ? <em>no access</em> : nic.allowaccess.map((flag) => <span key={flag} class={`flag ${flag}`}>{flag}</span>)}</span>
      <span class="hidden">{nic.link ? "link up; pull the cable" : "put the cable back"}</span>
      {!nic.link ? <span class="pulled-text">cable pulled</span> : ftm ? <span class="takes">takes callbacks</span> : null}
    </button>
  );
}
