// What a person sees while there is no desktop to see, and short notes beside it.

const byId = (id) => document.getElementById(id);

const WORDS = {
  stopped: (name) => ["The desktop has stopped", ["Start it again with ", `vdictl start ${name}`, ". This page comes back by itself."]],
  expired: (name) => ["Its time is over", ["The home is kept. Make it anew with ", `vdictl destroy ${name}`, " and ", `vdictl create ${name}`, "."]],
  display: () => ["The desktop is getting ready", ["A moment, please."]],
  password: () => ["The desktop refused this page", ["Its password has changed; the page asks for the new one."]],
  lost: (name) => ["Connection lost", ["The desktop may be stopped, or the way to it is cut. ", `vdictl health ${name}`, " says which."]],
};

// Odd parts are commands.
function sentence(parts) {
  return parts.map((part) => {
    if (!part.startsWith("vdictl ")) return document.createTextNode(part);
    const node = document.createElement("code");
    node.textContent = part;
    return node;
  });
}

export class Overlay {
  #ticker = 0;
  #act = () => {};

  constructor() {
    byId("overlay-button").addEventListener("click", () => this.#act());
  }

  #show(heading, parts, button) {
    clearInterval(this.#ticker);
    byId("overlay-title").textContent = heading;
    byId("overlay-text").replaceChildren(...sentence(parts));
    byId("overlay-wait").replaceChildren();
    byId("overlay-button").hidden = !button;
    const wasHidden = byId("overlay").hidden;
    byId("overlay").hidden = false;
    if (wasHidden && button) byId("overlay-button").focus();
  }

  wait(heading) {
    this.#show(heading, [], false);
    const spinner = document.createElement("span");
    spinner.className = "spinner";
    byId("overlay-wait").replaceChildren(spinner);
  }

  lost(why, name, pause, act) {
    const [heading, parts] = (WORDS[why] ?? WORDS.lost)(name);
    this.#show(heading, parts, true);
    this.#act = act;
    const end = Date.now() + pause;
    const tick = () => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      byId("overlay-wait").textContent = left ? `Trying again in ${left} s` : "Trying\u2026";
    };
    tick();
    this.#ticker = setInterval(tick, 250);
  }

  refused(name, shared) {
    if (shared) this.#show("Your share of this desktop is over", ["Ask who gave it to you for a new one."], false);
    else this.#show("This page is no longer let in", ["Get a new link with ", `vdictl connect ${name}`, "."], false);
  }

  hide() {
    clearInterval(this.#ticker);
    byId("overlay").hidden = true;
  }
}

export class Notice {
  #shown = "";
  #closed = "";

  constructor() {
    byId("notice").querySelector("button").addEventListener("click", () => {
      this.#closed = this.#shown;
      byId("notice").hidden = true;
    });
  }

  // A note that was closed stays closed until there is another one.
  show(kind, text, id) {
    this.#shown = id;
    if (id === this.#closed) return;
    byId("notice").className = kind;
    byId("notice").querySelector("span").textContent = text;
    byId("notice").hidden = false;
  }

  hide() {
    byId("notice").hidden = true;
  }
}
