import { useSignal } from "@preact/signals";
import { act } from "../api";
import { info, panel, unit } from "../state";
import type { Button, Led, Nic } from "../types";
import { CopyButton, View } from "./parts";

export function Panel() {
  const looked = useSignal<string | null>(null);
  const box = unit.value;
  const nic = box?.nics.find((known) => known.name === looked.value);
  return (
    <View id="panel" title="Box" extra={<span class="quiet">board {info.value?.board}</span>}>
      <div class={`chassis ${box?.up === false ? "down" : ""}`}>
        <Front />
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
  // The board's own light for this port, in its true pattern; without one the light is the link's.
  const led = panel.value?.leds.find((known) => known.name === nic.name);
  const lit = led ? led.lit : nic.link;
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
        <circle class={`led link ${lit ? "on" : ""}`} cx="11" cy="45" r="3" />
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

/** What stands beside the ports: lights that are no port's, buttons, and a display. */
function Front() {
  const front = panel.value;
  if (!front) return null;
  const ports = new Set(unit.value?.nics.map((nic) => nic.name));
  return (
    <div class="front">
      <ul class="leds" aria-label="Lights">
        {front.leds.filter((led) => !ports.has(led.name)).map((led) => <Light key={led.name} led={led} />)}
      </ul>
      {front.buttons.map((button) => <Push key={button.name} button={button} />)}
      {front.display && <pre class="display" role="img" aria-label={`Display: ${front.display.join(", ")}`}>{front.display.map((line) => line.padEnd(16)).join("\n")}</pre>}
    </div>
  );
}

function Light(props: { led: Led }) {
  const { led } = props;
  const words = led.pattern === "on" || led.pattern === "off" ? led.pattern : "blinks";
  return (
    <li title={`${led.name}: ${led.pattern}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true"><circle class={`light ${led.name} ${led.lit ? "lit" : ""}`} cx="6" cy="6" r="5" /></svg>
      {led.name} <span class="hidden">{words}</span>
    </li>
  );
}

/** Held for as long as the mouse or the key is down. */
function Push(props: { button: Button }) {
  const { button } = props;
  const path = `/lab/panel/buttons/${encodeURIComponent(button.name)}`;
  const down = useSignal(false);
  const press = () => {
    if (down.value) return;
    down.value = true;
    void act("POST", `${path}/press`);
  };
  const release = () => {
    if (!down.value) return;
    down.value = false;
    void act("POST", `${path}/release`);
  };
  const isPress = (event: KeyboardEvent) => event.key === " " || event.key === "Enter";
  return (
    <button
      type="button" class={`push ${button.pressed || down.value ? "pressed" : ""}`} title="Hold it"
      onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); press(); }} onPointerUp={release} onPointerCancel={release} onBlur={release}
      onKeyDown={(event) => { if (isPress(event)) { event.preventDefault(); press(); } }} onKeyUp={(event) => { if (isPress(event)) release(); }}
    >
      {button.name}{button.pressed && <span> held {button.heldSeconds.toFixed(0)} s</span>}
    </button>
  );
}
