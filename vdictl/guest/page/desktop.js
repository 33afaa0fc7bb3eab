// The page behind the gate: asks what this desktop is, and keeps a person connected to it.

import { Overlay, Notice } from "./overlay.js";

const overlay = new Overlay();
const notice = new Notice();
const screen = document.getElementById("screen");
const PAUSES = [300, 700, 1500, 3000, 5000, 8000];

let view = null; // what shows the desktop: vnc.js or editor.js
let tries = 0;
let timer = 0;
let ended = ""; // stopped or expired, as long as nothing answers
let shared = false; // whether a share let us in
let skew = 0; // seconds that the desktop's clock is ahead of ours

class Refused extends Error {}

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (answer.status === 401 || answer.status === 421) throw new Refused();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function connect() {
  clearTimeout(timer);
  let session;
  try {
    session = await ask("/session");
  } catch (error) {
    if (error instanceof Refused) refused();
    else again(ended || "lost");
    return;
  }
  document.title = session.name;
  learn(session);
  let part;
  try {
    part = await import(session.kind === "http" ? "./editor.js" : "./vnc.js");
  } catch {
    reload();
    return;
  }
  view = part.show(screen, session, { up, down: again });
}

// A browser drops what it is loading when the machine's network changes (another desktop starts), and it does not ask
// for a failed module again: only a new page does.
function reload() {
  const times = Number(sessionStorage.getItem("reloads") ?? 0);
  sessionStorage.setItem("reloads", String(times + 1));
  setTimeout(() => location.reload(), PAUSES[Math.min(times, 5)]);
}

function up() {
  tries = 0;
  sessionStorage.removeItem("reloads");
  ended = "";
  overlay.hide();
}

// why: stopped, expired, display, password, lost, share (it is over)
function again(why) {
  view = null;
  if (why === "share") {
    refused();
    return;
  }
  ended = why === "stopped" || why === "expired" ? why : "";
  const pause = ended ? Math.max(3000, PAUSES[Math.min(tries, 5)]) : PAUSES[Math.min(tries, 5)];
  tries += 1;
  // A display that starts again is back in a blink: no need to alarm anybody.
  if (why !== "display" || tries > 1) overlay.lost(why, document.title, pause, connect);
  timer = setTimeout(connect, pause);
}

function refused() {
  clearTimeout(timer);
  overlay.refused(document.title, shared);
}

function learn(facts) {
  skew = facts.now - Date.now() / 1000;
  shared = facts.shared_until !== null;
  const { state, detail, exit_code: code } = facts.inputs;
  const until = (time) => (time === null ? Infinity : time - Date.now() / 1000 - skew);
  const left = until(facts.expires);
  const share = until(facts.shared_until);
  if (left < 300) notice.show("warn", `This desktop stops in ${minutes(left)}. Files in the home are kept.`, `expires${facts.expires}${left < 60}`);
  else if (share < 300) notice.show("warn", `Your share of this desktop ends in ${minutes(share)}. The desktop goes on.`, `share${share < 60}`);
  else if (state === "waiting") notice.show("", "The session starts when its inputs have come from the machine that creates it.", "waiting");
  else if (state === "running") notice.show("", `First boot: ${detail.replace("first boot: ", "")} is running.`, "running");
  else if (state === "failed") notice.show("bad", `First boot failed${code === null ? "" : ` (${code})`}: ${detail}. The log: vdictl logs --setup ${facts.name}`, "failed");
  else notice.hide();
  return state === "waiting" || state === "running";
}

function minutes(seconds) {
  if (seconds < 60) return "less than a minute";
  const whole = Math.round(seconds / 60);
  return whole === 1 ? "1 minute" : `${whole} minutes`;
}

async function watch() {
  let busy = false;
  try {
    if (view) busy = learn(await ask("/status"));
  } catch (error) {
    if (error instanceof Refused) refused();
    else if (view && view.failed) view.failed();
  }
  setTimeout(watch, busy ? 1500 : 10000);
}

window.addEventListener("online", () => { if (!view) connect(); });
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
overlay.wait("Connecting");
connect();
setTimeout(watch, 1500);
