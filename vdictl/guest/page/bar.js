// The tools at the top edge.

const byId = (id) => document.getElementById(id);

export class Bar {
  fits = true; // the desktop takes the window's size
  #rfb = null;
  #fit = () => {};

  constructor(name, clipboard) {
    byId("name").textContent = name;
    byId("handle").addEventListener("click", () => this.#open(byId("tools").hidden));
    byId("do-clipboard").addEventListener("click", () => { clipboard.toggle(); });
    byId("do-keys").addEventListener("click", () => { this.#rfb?.sendCtrlAltDel(); this.#back(); });
    byId("do-fit").addEventListener("click", () => this.#toggleFit());
    byId("do-full").addEventListener("click", () => this.#toggleFull());
    byId("bar").addEventListener("keydown", (event) => this.#arrows(event));
    document.addEventListener("fullscreenchange", () => byId("do-full").setAttribute("aria-pressed", String(Boolean(document.fullscreenElement))));
    byId("screen").addEventListener("pointerdown", () => { this.#open(false); clipboard.close(); }, true);
    // The desktop takes every key; this one is ours, so that the tools can be reached without a mouse.
    window.addEventListener("keydown", (event) => {
      if (event.code !== "KeyM" || !event.ctrlKey || !event.altKey || !event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#open(byId("tools").hidden);
    }, true);
  }

  attach(rfb, fit) {
    this.#rfb = rfb;
    this.#fit = fit;
  }

  show() {
    byId("bar").hidden = false;
  }

  #open(open) {
    if (open === !byId("tools").hidden) return;
    byId("tools").hidden = !open;
    byId("bar").classList.toggle("open", open);
    byId("handle").setAttribute("aria-expanded", String(open));
    if (open) {
      // The keys that are down now will come up elsewhere: noVNC lets all of them go when the window loses the focus.
      window.dispatchEvent(new Event("blur"));
      byId("do-clipboard").focus();
    } else {
      this.#rfb?.focus();
    }
  }

  #back() {
    this.#rfb?.focus();
  }

  #toggleFit() {
    this.fits = !this.fits;
    byId("do-fit").setAttribute("aria-pressed", String(this.fits));
    this.#fit();
    this.#back();
  }

  async #toggleFull() {
    try {
      if (document.fullscreenElement) {
        await document.exitFullscreen();
      } else {
        await document.documentElement.requestFullscreen({ navigationUI: "hide" });
        await navigator.keyboard?.lock?.(); // so that Alt+Tab and the like go to the desktop, where the browser can
      }
    } catch {
      // refused by the browser: nothing changes
    }
    this.#open(false);
  }

  #arrows(event) {
    if (event.key === "Escape") {
      this.#open(false);
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = [...byId("tools").querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus();
  }
}
