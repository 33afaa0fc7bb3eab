// The gate: takes the token out of the address, changes it for a cookie, and goes on to the desktop.

const title = document.getElementById("title");
const text = document.getElementById("text");

function say(heading, ...parts) {
  title.textContent = heading;
  text.replaceChildren(...parts);
}

function command(words) {
  const node = document.createElement("code");
  node.textContent = words;
  return node;
}

function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  // Out of the address bar and the history at once, whatever comes next.
  if (location.hash) history.replaceState(null, "", location.pathname);
  return token;
}

// More than once: a browser drops its requests when the machine's network changes, as when another desktop starts.
async function knock(token) {
  for (let left = 5; ; left -= 1) {
    try {
      return token
        ? await fetch("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) })
        : await fetch("/status");
    } catch (error) {
      if (!left) throw error;
      await new Promise((done) => setTimeout(done, 300));
    }
  }
}

async function open() {
  const token = takeToken();
  let answer;
  try {
    answer = await knock(token);
  } catch {
    say("The desktop does not answer", "It may be stopped. Start it with ", command("vdictl start NAME"), ", then load this page again.");
    return;
  }
  if (answer.ok) {
    location.replace("/desktop");
  } else if (token) {
    say("This link does not open this desktop", "It is incomplete, it belongs to another desktop, or it was a share that is over. Get the right one with ", command("vdictl connect NAME"), ".");
  } else {
    say("This desktop opens by its link", "Get the link with ", command("vdictl connect NAME"), ". It holds the key; the bare address does not.");
  }
}

// A link pasted into a tab that shows this page changes the fragment only.
window.addEventListener("hashchange", open);
open();
