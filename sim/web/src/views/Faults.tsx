import { useSignal } from "@preact/signals";
import { act } from "../api";
import { faults, info, phoneList, unit } from "../state";
import type { Fault } from "../types";
import { View } from "./parts";

const LABELS: Record<string, string> = { delayMs: "delay (ms)", retryAfterSeconds: "Retry-After (s)", skewSeconds: "skew (s)", stepSeconds: "step (s)", nic: "interface" };

/** As it was put: how often it fired is the lab's to count. */
function asPut(fault: Fault): Fault {
  const { fired: _fired, left: _left, ...rest } = fault;
  return rest;
}

export function Faults() {
  const put = (list: Fault[]) => void act("PUT", "/lab/faults", { faults: list.map(asPut) });
  return (
    <View id="faults" title="Faults" extra={<button type="button" class="plain" disabled={faults.value.length === 0} onClick={() => put([])}>Clear all</button>}>
      <ul class="fault-list">
        {faults.value.map((fault, index) => (
          <li key={index}>
            <code>{fault.fault}</code> <span>{words(fault)}</span> <span class="fired">fired {fault.fired ?? 0}{fault.left !== undefined ? `, ${fault.left} left` : ""}</span>
            <button type="button" class="plain small" aria-label={`Take away ${fault.fault}`} onClick={() => put(faults.value.filter((_, other) => other !== index))}>Take away</button>
          </li>
        ))}
        {faults.value.length === 0 && <li class="quiet">Nothing goes wrong.</li>}
      </ul>
      <NewFault add={(fault) => put([...faults.value, fault])} />
    </View>
  );
}

function words(fault: Fault): string {
  const told: string[] = [];
  if (fault.p !== undefined && fault.p < 1) told.push(`p ${fault.p}, seed ${fault.seed ?? 0}`);
  if (fault.after) told.push(`after ${fault.after} s`);
  for (const [name, value] of Object.entries(fault.match ?? {})) told.push(`${name} ${value}`);
  for (const name of Object.keys(LABELS)) {
    const value = (fault as unknown as Record<string, unknown>)[name];
    if (value !== undefined) told.push(`${LABELS[name]} ${String(value)}`);
  }
  return told.join(", ");
}

function NewFault(props: { add: (fault: Fault) => void }) {
  const word = useSignal("push.drop");
  const fields = useSignal<Record<string, string>>({});
  const all = info.value?.words ?? {};
  const own = all[word.value] ?? [];
  const set = (name: string, value: string) => (fields.value = { ...fields.value, [name]: value });
  const text = (name: string) => fields.value[name] ?? "";
  const submit = () => {
    const fault: Fault = { fault: word.value };
    const numbers = fault as unknown as Record<string, unknown>;
    for (const name of ["times", "p", "after", "seed"]) if (text(name) !== "") numbers[name] = Number(text(name));
    const match: Record<string, string> = {};
    for (const name of ["user", "src", "phone"]) if (text(name) !== "") match[name] = text(name);
    if (Object.keys(match).length > 0) fault.match = match;
    for (const field of own) {
      const name = field.replace("!", "");
      if (text(name) !== "") numbers[name] = name === "nic" ? text(name) : Number(text(name));
    }
    props.add(fault);
  };
  const groups = [...new Set(Object.keys(all).map((known) => known.split(".")[0]!))];
  return (
    <form class="new-fault" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <label>fault <select id="fault-word" value={word.value} onChange={(event) => (word.value = event.currentTarget.value)}>
        {groups.map((group) => <optgroup key={group} label={group}>{Object.keys(all).filter((known) => known.startsWith(group + ".")).map((known) => <option key={known}>{known}</option>)}</optgroup>)}
      </select></label>
      {own.map((field) => {
        const name = field.replace("!", "");
        return <label key={name}>{LABELS[name] ?? name} {name === "nic"
          ? <select required value={text(name)} onChange={(event) => set(name, event.currentTarget.value)}><option value="">choose</option>{unit.value?.nics.map((nic) => <option key={nic.name}>{nic.name}</option>)}</select>
          : <input type="number" required={field.endsWith("!")} value={text(name)} onInput={(event) => set(name, event.currentTarget.value)} />}</label>;
      })}
      <label>times <input type="number" min="1" placeholder="for ever" value={text("times")} onInput={(event) => set("times", event.currentTarget.value)} /></label>
      <details>
        <summary>chance and whom</summary>
        <label>probability <input type="number" min="0" max="1" step="0.01" placeholder="1" value={text("p")} onInput={(event) => set("p", event.currentTarget.value)} /></label>
        <label>seed <input type="number" placeholder="0" value={text("seed")} onInput={(event) => set("seed", event.currentTarget.value)} /></label>
        <label>after (s) <input type="number" min="0" placeholder="0" value={text("after")} onInput={(event) => set("after", event.currentTarget.value)} /></label>
        <label>user <select value={text("user")} onChange={(event) => set("user", event.currentTarget.value)}><option value="">anybody</option>{unit.value?.users.map((user) => <option key={user}>{user}</option>)}</select></label>
        <label>phone <select value={text("phone")} onChange={(event) => set("phone", event.currentTarget.value)}><option value="">any</option>{phoneList.value.map((phone) => <option key={phone.serial}>{phone.serial}</option>)}</select></label>
        <label>source <input placeholder="address or network" value={text("src")} onInput={(event) => set("src", event.currentTarget.value)} /></label>
      </details>
      <button type="submit" id="add-fault">Add</button>
      <p class="quiet">A change of the board begins every fault anew.</p>
    </form>
  );
}
