// VS Code in the browser, in a frame, so that the notes and the overlay work there too.

let frame = null;
let reported = 0;
let patience = 0;

// There is no display server that could be asked how long nobody has done anything.
function active() {
  if (Date.now() - reported < 15000) return;
  reported = Date.now();
  fetch("/active", { method: "POST" }).catch(() => {});
}

// A browser drops what it is loading when the machine's network changes (another desktop starts), and VS Code does not
// ask again for its own parts: only a new page does.
function lookAfter(left) {
  clearTimeout(patience);
  if (left <= 0) return;
  patience = setTimeout(() => {
    if (!frame.contentDocument?.querySelector(".monaco-workbench")) frame.contentWindow.location.reload();
  }, 30000);
}

export function show(screen, session, { up, down }) {
  const ready = () => {
    if (frame) { // it reconnects by itself
      up();
      return;
    }
    frame = document.createElement("iframe");
    frame.title = `Editor of ${session.name}`;
    frame.allow = "clipboard-read; clipboard-write; fullscreen";
    frame.src = "/code/";
    let reloads = 3;
    frame.addEventListener("load", () => {
      lookAfter(reloads);
      reloads -= 1;
      for (const kind of ["keydown", "pointerdown", "wheel"]) frame.contentWindow.addEventListener(kind, active, { capture: true, passive: true });
      frame.focus();
      up();
    });
    screen.replaceChildren(frame);
    active();
  };
  fetch("/code/healthz").then((answer) => (answer.ok ? ready() : down("display")), () => down("lost"));
  return { failed: () => down("lost") };
}
