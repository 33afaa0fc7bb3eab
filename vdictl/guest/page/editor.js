// VS Code in the browser, in a frame, so that the notes and the overlay work there too.

let frame = null;
let reported = 0;

// There is no display server that could be asked how long nobody has done anything.
function active() {
  if (Date.now() - reported < 15000) return;
  reported = Date.now();
  fetch("/active", { method: "POST" }).catch(() => {});
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
    frame.addEventListener("load", () => {
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
