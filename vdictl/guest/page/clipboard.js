// The clipboard, both ways: by itself where the browser allows it, by a panel where not.

const byId = (id) => document.getElementById(id);
const canRead = () => Boolean(navigator.clipboard && navigator.clipboard.readText);

const CONTROL = { keysym: 0xffe3, codes: ["ControlLeft", "ControlRight"] };
const SHIFT = { keysym: 0xffe1, codes: ["ShiftLeft", "ShiftRight"] };

async function permission() {
  try {
    return (await navigator.permissions.query({ name: "clipboard-read" })).state;
  } catch {
    return "unknown"; // Firefox and Safari do not know this name
  }
}

export class Clipboard {
  #rfb = null;
  #last = ""; // what both sides have: never sent back to where it came from
  #owed = ""; // text of the desktop that the browser would not take without a click
  #denied = false;
  #byHand = false; // the panel sent the last text: the next paste means that one, whatever the browser's clipboard holds

  #held = new Set(); // keys, as the person's fingers have them

  constructor() {
    window.addEventListener("blur", () => { // who goes elsewhere may copy something there
      this.#byHand = false;
      this.#held.clear();
    });
    window.addEventListener("keydown", (event) => this.#held.add(event.code), true);
    window.addEventListener("keyup", (event) => this.#held.delete(event.code), true);
    window.addEventListener("focus", () => this.fromHere());
    window.addEventListener("pointerdown", () => this.#settle(), true);
    window.addEventListener("keydown", (event) => this.#key(event), true);
    byId("clipboard-send").addEventListener("click", () => this.#send());
    byId("clipboard-type").addEventListener("click", () => { this.close(); this.#type(byId("clipboard-area").value); });
    byId("clipboard-copy").addEventListener("click", () => this.#copy());
    byId("clipboard-close").addEventListener("click", () => this.close());
    byId("clipboard").addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  attach(rfb) {
    this.#rfb = rfb;
  }

  // The desktop copied something.
  async fromThere(text) {
    this.#byHand = false;
    this.#last = text;
    byId("clipboard-area").value = text;
    this.#owed = text;
    await this.#settle();
  }

  async #settle() {
    if (!this.#owed) return;
    const text = this.#owed;
    try {
      await navigator.clipboard.writeText(text);
      if (this.#owed === text) this.#owed = "";
      byId("bar").classList.remove("news");
    } catch {
      byId("bar").classList.add("news"); // the panel has it
    }
  }

  // This window came to the front: what was copied elsewhere is wanted here. Never asks.
  async fromHere() {
    if (!canRead() || this.#owed || (await permission()) !== "granted") return;
    try {
      this.#give(await navigator.clipboard.readText());
    } catch {
      // not focused any more, or no text on it
    }
  }

  #send() {
    this.#give(byId("clipboard-area").value);
    this.#byHand = true;
    this.close();
  }

  #give(text) {
    if (!this.#rfb || !text || text === this.#last) return;
    this.#last = text;
    byId("clipboard-area").value = text;
    this.#rfb.clipboardPasteFrom(text);
  }

  // Paste: fetch the text first, then let the keys go on. This is the moment at which a browser may ask the person.
  #key(event) {
    const paste = (event.code === "KeyV" && (event.ctrlKey || event.metaKey) && !event.altKey) || (event.code === "Insert" && event.shiftKey);
    if (!paste || !this.#rfb || !canRead() || this.#denied || this.#owed || !byId("screen").contains(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat) return;
    const rfb = this.#rfb;
    const { code, ctrlKey, metaKey, shiftKey } = event;
    const fetched = this.#byHand ? Promise.resolve("") : navigator.clipboard.readText();
    fetched.then((text) => this.#give(text), async () => {
      this.#denied = (await permission()) === "denied";
    }).finally(() => {
      // Who has let go of Ctrl or Shift while the text was fetched means the whole chord all the same.
      const chord = [...(ctrlKey || metaKey ? [CONTROL] : []), ...(shiftKey ? [SHIFT] : [])];
      const missing = chord.filter(({ codes }) => !codes.some((one) => this.#held.has(one)));
      for (const { keysym, codes } of missing) rfb.sendKey(keysym, codes[0], true);
      const keysym = code === "Insert" ? 0xff63 : shiftKey ? 0x56 : 0x76;
      rfb.sendKey(keysym, code, true);
      rfb.sendKey(keysym, code, false);
      for (const { keysym: sym, codes } of missing) rfb.sendKey(sym, codes[0], false);
    });
  }

  async #copy() {
    const area = byId("clipboard-area");
    try {
      await navigator.clipboard.writeText(area.value);
    } catch {
      area.select();
      document.execCommand("copy"); // old, and the only way without a secure context
    }
    this.#owed = "";
    byId("bar").classList.remove("news");
  }

  // For where nothing can be pasted: a login, a console.
  #type(text) {
    for (const letter of text) {
      const point = letter.codePointAt(0);
      const keysym = letter === "\n" ? 0xff0d : letter === "\t" ? 0xff09 : point < 0x100 ? point : 0x01000000 + point;
      this.#rfb?.sendKey(keysym, null);
    }
  }

  toggle() {
    if (byId("clipboard").hidden) {
      byId("clipboard").hidden = false;
      byId("do-clipboard").setAttribute("aria-expanded", "true");
      byId("clipboard-area").focus();
      byId("clipboard-area").select();
    } else {
      this.close();
    }
  }

  close() {
    byId("clipboard").hidden = true;
    byId("do-clipboard").setAttribute("aria-expanded", "false");
    this.#rfb?.focus();
  }
}
