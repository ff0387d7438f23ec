// The page follows the editor's files: a stream tells that something is new, the page is fetched again, and only what differs is put in.
"use strict";
const byId = id => document.getElementById(id);
const when = byId("when");
let turn = 0;  // of several answers under way only the newest counts

function fit(frame) {
  const inside = frame.contentDocument;
  if (!inside || !inside.documentElement) return;
  frame.style.height = `${inside.documentElement.offsetHeight}px`;  // of what is written, however high the frame is now
}

// The letter's links lead to a page of ours; here their real address is told instead of going anywhere.
function tell(frame) {
  frame.contentDocument.addEventListener("click", async event => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link) return;
    event.preventDefault();
    const answer = await fetch(link.getAttribute("href"));
    const said = new DOMParser().parseFromString(await answer.text(), "text/html");
    byId("where").textContent = `${said.getElementById("said").textContent} ${said.getElementById("address").textContent}`;
  });
}

function ready(frame) {
  fit(frame);
  tell(frame);
}

// A new letter is loaded behind the old one and takes its place when it can be seen: nothing blinks, nothing scrolls away.
function show(src) {
  const room = byId("frame");
  const old = room.querySelector("iframe");
  const next = document.createElement("iframe");
  next.setAttribute("sandbox", "allow-same-origin");
  next.title = document.title;
  next.className = "next";
  next.src = src;
  next.addEventListener("load", () => {
    if (room.dataset.src !== src) return next.remove();
    ready(next);
    if (old) old.remove();
    next.className = "";
    fit(next);
  }, { once: true });
  room.append(next);
}

function put(page) {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : "";
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const mine = byId(fresh.id);
    if (mine.innerHTML !== fresh.innerHTML) mine.innerHTML = fresh.innerHTML;
  }
  const mine = byId("frame"), fresh = page.getElementById("frame");
  mine.className = fresh.className;
  const src = fresh.dataset.src || "";
  if (src && mine.querySelector("iframe:not(.next)") && mine.dataset.src) {
    if (mine.dataset.src !== src) {
      mine.dataset.src = src;
      show(src);
    } else {
      mine.querySelectorAll("iframe:not(.next)").forEach(fit);
    }
  } else if (src || mine.innerHTML !== fresh.innerHTML) {
    mine.dataset.src = src;
    mine.replaceChildren(...fresh.childNodes);
    watch();
  }
  document.title = page.title;
  document.body.dataset.version = page.body.dataset.version;
  if (focused) {
    const again = document.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  }
}

function watch() {
  for (const frame of document.querySelectorAll("#frame iframe")) {
    frame.addEventListener("load", () => ready(frame), { once: true });
    // It may be there already.
    if (frame.contentDocument && frame.contentDocument.readyState === "complete" && frame.contentDocument.URL !== "about:blank") ready(frame);
  }
}

async function follow(address) {
  const mine = ++turn;
  const answer = await fetch(address);
  const text = await answer.text();
  if (mine === turn && answer.ok) put(new DOMParser().parseFromString(text, "text/html"));
}

document.addEventListener("click", event => {
  const link = event.target.closest("a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  byId("where").textContent = "";
  if (link.dataset.key.startsWith("reader-")) byId("q").value = "";
  history.pushState(null, "", link.href);
  follow(link.href);
});

addEventListener("keydown", event => { if (event.key === "Escape") byId("where").textContent = ""; });
addEventListener("popstate", () => follow(location.href));
addEventListener("resize", () => document.querySelectorAll("#frame iframe:not(.next)").forEach(fit));

// Looking for a reader as one types.
const form = document.querySelector("form");
let typing = 0;
const wanted = () => `/?${new URLSearchParams(new FormData(form))}`;
form.addEventListener("submit", event => {
  event.preventDefault();
  history.replaceState(null, "", wanted());
  follow(location.href);
});
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => form.requestSubmit(), 150);
});

const stream = new EventSource("/changes");
stream.addEventListener("message", event => {
  when.classList.remove("gone");
  if (event.data !== document.body.dataset.version || byId("made").dataset.gone) follow(location.href);
});
stream.addEventListener("error", () => {
  when.classList.add("gone");
  byId("made").textContent = "The preview has ended. Start it again with digest preview.";
  byId("made").dataset.gone = "yes";
});
watch();
