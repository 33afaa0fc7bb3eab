// A desktop over VNC: noVNC on a WebSocket of ours, so that the reason for its end can be told.

import RFB from "./vendor/novnc/core/rfb.js";
import { Clipboard } from "./clipboard.js";
import { Bar } from "./bar.js";

const REASONS = { 4001: "stopped", 4002: "expired", 4003: "display", 4004: "share" };
const NARROW = 720; // below this a desktop of the window's size is of no use: the picture is scaled instead

let bar = null;
let clipboard = null;

export function show(screen, session, { up, down }) {
  screen.replaceChildren();
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`, "binary");
  let why = "lost";
  socket.addEventListener("close", (event) => { if (why !== "password") why = REASONS[event.code] ?? why; });
  const rfb = new RFB(screen, socket, { shared: true, credentials: { password: session.password } });
  rfb.background = "transparent";
  rfb.scaleViewport = true;
  rfb.qualityLevel = 8;
  rfb.compressionLevel = 2;
  rfb.showDotCursor = false;
  clipboard ??= new Clipboard();
  bar ??= new Bar(session.name, clipboard);

  const fit = () => { rfb.resizeSession = bar.fits && window.innerWidth >= NARROW; };
  bar.attach(rfb, fit);
  clipboard.attach(rfb);
  window.addEventListener("resize", fit);
  fit();

  rfb.addEventListener("connect", () => {
    bar.show();
    up();
    rfb.focus();
    clipboard.fromHere();
  });
  rfb.addEventListener("clipboard", (event) => clipboard.fromThere(event.detail.text));
  rfb.addEventListener("securityfailure", () => { why = "password"; });
  rfb.addEventListener("disconnect", () => {
    window.removeEventListener("resize", fit);
    clipboard.attach(null);
    bar.attach(null, () => {});
    // noVNC tells of the end before the socket's own close event has its code.
    setTimeout(() => down(why), 30);
  });
  return {};
}
