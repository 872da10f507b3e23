/** Where keys are text, or choose by their letter. */
const TYPES = "input:not([type=checkbox], [type=radio], [type=file]), textarea, select, dialog, .terminal";

/** Keys of the page. Not while somebody types, and never inside the console: its keys are the appliance's, all but F6. */
export interface Keys { help: () => void; theme: () => void }

const PLACES: Record<string, string> = { b: "panel", p: "phones", c: "console", f: "flow", e: "events", x: "faults", s: "scenarios" };
const ORDER = ["panel", "console", "flow", "phones", "events", "faults", "scenarios"];

export function onKeys(keys: Keys): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "F6") {
      event.preventDefault();
      event.stopPropagation();
      go(nextPlace(event.shiftKey ? -1 : 1));
      return;
    }
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest(TYPES)) return;
    const place = PLACES[event.key];
    if (event.key === "?") keys.help();
    else if (event.key === "t") keys.theme();
    else if (event.key === "/") document.getElementById("event-search")?.focus();
    else if (place) go(place);
    else return;
    event.preventDefault();
  };
  // Before the terminal gets it: F6 is the way out of it.
  document.addEventListener("keydown", pressed, true);
  return () => document.removeEventListener("keydown", pressed, true);
}

function nextPlace(by: number): string {
  const here = ORDER.findIndex((id) => document.getElementById(id)?.contains(document.activeElement));
  return ORDER[(here + by + ORDER.length) % ORDER.length]!;
}

/** Where a person wants to be there: a push that waits, the terminal, else the part itself. */
function go(id: string): void {
  const place = document.getElementById(id);
  if (!place) return;
  place.scrollIntoView({ block: "nearest" });
  (place.querySelector<HTMLElement>("[data-first]") ?? (id === "console" ? place.querySelector<HTMLElement>(".tab-shown textarea") : null) ?? place).focus();
}
