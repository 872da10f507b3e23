import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { copy } from "./api";
import { isDark } from "./theme";

const OVER = 4000;
/** A lab that restarts takes a few seconds; after so many a console of before is not taken up again. */
const TRIES = 20;
const DARK = { background: "#0e1419", foreground: "#d7e0e8", cursor: "#7cc7ff", selectionBackground: "#35506b" };
const LIGHT = { background: "#fbfcfd", foreground: "#1b242c", cursor: "#0b5fa5", selectionBackground: "#b9d7f2" };

// The terminal creates style elements. They get the page's nonce, so that no other inline style is allowed.
const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
// Styles of single characters (colours, a selection) it puts as attributes, which nothing may do here: they go by the element's own style.
function setStyled(this: HTMLElement, name: string, value: string): void {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
const make = document.createElement.bind(document) as (name: string, options?: ElementCreationOptions) => HTMLElement;
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = make(name, options);
  if (name === "style") element.nonce = nonce;
  if (name === "span") element.setAttribute = setStyled;
  return element;
}) as typeof document.createElement;

export interface Hello { id: string | null; watch: string | null; rows: number; columns: number; begins: boolean }

/** A terminal in an element, on a console session of the lab: a new one, one taken up again, or one that is watched. */
export interface Screen { focus: () => void; close: () => void }

export function openScreen(place: HTMLElement, query: (size: { rows: number; columns: number }) => string, hello: (told: Hello) => void, ended: () => void): Screen {
  const terminal = new Terminal({ fontSize: 13, fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace", scrollback: 5000, cursorBlink: false, theme: isDark.value ? DARK : LIGHT });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  const { rows = 24, cols = 80 } = fit.proposeDimensions() ?? {};
  const unfollow = isDark.subscribe((dark) => (terminal.options.theme = dark ? DARK : LIGHT));
  const bytes = new TextEncoder();
  let socket: WebSocket;
  let known: Hello | null = null;
  let closed = false;
  let over = false;
  let tries = 0;

  const connect = (): void => {
    const again = known?.id ? `id=${known.id}` : query({ rows: Math.max(2, rows), columns: Math.max(20, cols) });
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/lab/console?${again}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => {
      if (typeof message.data === "string") {
        const told = JSON.parse(message.data) as Hello;
        if (!told.begins) {
          // The typing page already has this size; watching pages follow.
          if (known?.id === null) terminal.resize(told.columns, told.rows);
          return;
        }
        // What comes now begins with all that was shown before.
        known = told;
        tries = 0;
        terminal.reset();
        terminal.resize(known.columns, known.rows);
        hello(known);
        measure();
      } else {
        terminal.write(new Uint8Array(message.data));
      }
    };
    socket.onclose = (event) => {
      if (closed) return;
      if (event.code === OVER || known === null || ++tries > TRIES) {
        over = true;
        terminal.write(event.code !== OVER ? "\r\n[this console is not there any more; Enter opens a new one]\r\n" : "\r\n[the session ended; Enter opens a new one]\r\n");
        return;
      }
      setTimeout(connect, 500);
    };
  };
  /** The place has another size: so has the terminal, and the session is told. A tab that is not shown has none. */
  const measure = (): void => {
    const size = fit.proposeDimensions();
    if (!known?.id || over || socket.readyState !== WebSocket.OPEN || !size || !(size.rows >= 2) || !(size.cols >= 20) || (size.rows === terminal.rows && size.cols === terminal.cols)) return;
    terminal.resize(size.cols, size.rows);
    socket.send(JSON.stringify({ rows: size.rows, columns: size.cols }));
  };
  let settling: ReturnType<typeof setTimeout> | undefined;
  const sized = new ResizeObserver(() => {
    clearTimeout(settling);
    settling = setTimeout(measure, 100);
  });
  sized.observe(place);
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key === "F6") return false;
    if (event.type === "keydown" && event.ctrlKey && event.key.toLowerCase() === "c" && terminal.hasSelection()) {
      event.preventDefault();
      void copy(terminal.getSelection(), "selection");
      terminal.clearSelection();
      return false;
    }
    return true;
  });
  terminal.onData((typed) => {
    if (over) {
      if (typed === "\r") ended();
    } else if (socket.readyState === WebSocket.OPEN) {
      socket.send(bytes.encode(typed));
    }
  });
  connect();
  return {
    focus: () => terminal.focus(),
    close: () => {
      closed = true;
      unfollow();
      sized.disconnect();
      clearTimeout(settling);
      socket.close();
      terminal.dispose();
    },
  };
}
