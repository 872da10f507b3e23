import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, tell } from "../api";
import { inbox, phoneList, unit } from "../state";
import { readQr } from "../readQr";
import { Dialog } from "./parts";
import { Qr } from "./Qr";

const CODE = /Activation code: ([A-Z2-7]{16})/;

/** The console's lines that give a user a token, if he has none, and make an activation code for it. */
function provisionLines(user: string): string[] {
  const owned = phoneList.value.find((phone) => phone.user === user)?.serial;
  const serial = owned ?? "FTKMOB" + [...crypto.getRandomValues(new Uint8Array(5))].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join("");
  const assign = owned ? [] : [
    "config user fortitoken", `edit ${serial}`, "next", "end",
    "config user local", `edit "${user}"`, "set two-factor fortitoken", `set fortitoken ${serial}`, "next", "end",
  ];
  return [...assign, `execute fortitoken-mobile provision ${serial}`];
}

export function EnrolDialog(props: { close: () => void }) {
  const user = useSignal(unit.value?.users[0] ?? "");
  const code = useSignal("");
  const transcript = useSignal("");
  const letters = inbox.value.filter((letter) => letter.code?.length === 16).slice(-3).reverse();
  const provision = async () => {
    try {
      const shown = String(await ask("POST", "/lab/cli", provisionLines(user.value).join("\n") + "\n"));
      transcript.value = shown;
      code.value = CODE.exec(shown)?.[1] ?? "";
      if (code.value === "") tell("the console made no activation code; its answer is shown", true);
    } catch (failure) {
      tell((failure as Error).message, true);
    }
  };
  return (
    <Dialog title="New phone" close={props.close}>
      <form onSubmit={(event) => { event.preventDefault(); void provision(); }}>
        <h3>1. An activation code</h3>
        <p><label>for <select value={user.value} onChange={(event) => (user.value = event.currentTarget.value)}>{unit.value?.users.map((name) => <option key={name}>{name}</option>)}</select></label>
          {" "}<button type="submit" id="provision">Make one</button></p>
      </form>
      {letters.map((letter) => <p key={letter.id} class="quiet">{letter.kind === "sms" ? "Text message" : "Mail"} to {letter.to}: {letter.subject} <button type="button" class="plain small" onClick={() => (code.value = letter.code!)}>Use its code</button></p>)}
      {transcript.value !== "" && <details class="transcript"><summary>What was typed at the console for it</summary><pre tabIndex={0}>{transcript.value}</pre></details>}
      {/^[A-Z2-7]{16}$/.test(code.value) && <Qr text={code.value} label="Activation code as a QR code" />}
      <EnrolForm code={code.value} done={props.close} />
    </Dialog>
  );
}

/** A phone presents its code: typed, pasted, or read from a picture of its QR code. */
export function EnrolForm(props: { code: string; done: (place: string) => void; alone?: boolean }) {
  const code = useSignal(props.code);
  const platform = useSignal("ios");
  useEffect(() => { code.value = props.code; }, [props.code]);
  const read = async (picture: Blob | null | undefined) => {
    if (!picture) return;
    const text = await readQr(picture);
    if (text === null) tell("no QR code was found in that picture", true);
    else code.value = text;
  };
  const pasted = (event: ClipboardEvent) => {
    const picture = [...(event.clipboardData?.items ?? [])].find((item) => item.type.startsWith("image/"))?.getAsFile();
    if (picture) {
      event.preventDefault();
      void read(picture);
    }
  };
  const enrol = async () => {
    try {
      const response = await fetch("/lab/phones", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ activation: code.value.trim(), platform: platform.value }) });
      const answer = (await response.json()) as { serial?: string; detail?: string };
      if (!response.ok) throw new Error(answer.detail ?? `the lab answers ${response.status}`);
      tell(`the phone has token ${answer.serial}`);
      props.done(response.headers.get("Location") ?? "/");
    } catch (failure) {
      tell((failure as Error).message, true);
    }
  };
  return (
    <form onPaste={pasted} onSubmit={(event) => { event.preventDefault(); void enrol(); }}>
      {props.alone ? <h2>Enrol this phone</h2> : <h3>2. The phone</h3>}
      <p><label>Activation code <input id="activation" value={code.value} onInput={(event) => (code.value = event.currentTarget.value)} autoComplete="off" spellcheck={false} size={24} /></label></p>
      <p class="quiet">Type it, paste it or a picture of its QR code, or choose a picture (a phone takes one):{" "}
        <input type="file" accept="image/*" capture="environment" aria-label="Picture of a QR code" onChange={(event) => void read(event.currentTarget.files?.[0])} /></p>
      <p><label><input type="radio" name="platform" checked={platform.value === "ios"} onChange={() => (platform.value = "ios")} /> iOS</label>{" "}
        <label><input type="radio" name="platform" checked={platform.value === "android"} onChange={() => (platform.value = "android")} /> Android</label></p>
      <button type="submit" class="main" disabled={code.value.trim() === ""} id="enrol">Enrol</button>
    </form>
  );
}
