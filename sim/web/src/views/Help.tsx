import { Affiliation, Dialog } from "./parts";

const KEYS: [string, string][] = [
  ["?", "this help (inside the console, ? is the appliance's own)"],
  ["p", "to the phones: Enter on Approve approves the oldest push"],
  ["b c f e x s", "to the box, console, flow, events, faults, scenarios"],
  ["F6, Shift+F6", "to the next or previous part, also out of the console"],
  ["/", "search the events"],
  ["t", "theme: as the system, light, dark"],
  ["Arrow keys", "move in the events, in tabs and in choices"],
  ["Escape", "closes a dialog"],
];

export function Help(props: { close: () => void }) {
  return (
    <Dialog title="Help" close={props.close}>
      <p>Start a VPN client with a line from the box below, watch the push arrive on a phone, approve it, and see in the flow why the login ended as it did. Everything here is also in the lab API at <code>/lab/</code>.</p>
      <dl class="keys">{KEYS.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <p>In the console, Ctrl+C copies while something is selected and is the appliance's otherwise; Shift+Insert or Ctrl+Shift+V pastes, as Ctrl+V is the appliance's. Drag its lower edge to make it taller. Click a port to pull its cable or to put it back.</p>
      <Affiliation />
    </Dialog>
  );
}
