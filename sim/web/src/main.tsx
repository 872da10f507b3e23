import "./style/base.css";
import "./style/views.css";
import { render } from "preact";
import { App } from "./App";
import { follow } from "./stream";
import { PhonePage } from "./views/PhonePage";
import { WatchPage } from "./views/WatchPage";
import "./theme";

const root = document.getElementById("app")!;
root.textContent = "";
const [, kind, id] = location.pathname.split("/");
if (kind === "phone" && id) {
  render(<PhonePage enrolment={id} />, root);
} else if (kind === "console" && id) {
  render(<WatchPage id={id} />, root);
} else {
  render(<App />, root);
  follow();
}
