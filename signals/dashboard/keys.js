// Keys, and links inside the dashboard without loading it anew. Holds no text of anybody: it presses buttons that are
// on the page, and every one of them can also be pressed by hand.
(() => {
  if (window.signalsKeys) return;
  window.signalsKeys = true;

  const BUTTONS = {
    p: "present", f: "present", Escape: "leave", e: "export", "?": "keys",
    j: "next", ArrowRight: "next", k: "previous", ArrowLeft: "previous",
  };
  // A presenter's remote sends these; in a page that scrolls they scroll.
  const REMOTE = { PageDown: "next", PageUp: "previous" };
  const button = (key) => document.querySelector(`.st-key-${key} button:not([disabled])`);
  const PAGES = "[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]";
  const typing = "input, textarea, select, [contenteditable=''], [contenteditable='true']";
  const owns = "[role=tab], [role=menuitem], [role=option], [role=radio], [role=slider], [role=grid]"; // of the arrows

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest(typing) || document.querySelector("[role=dialog][aria-modal=true], [data-testid=stDialog]")) return;
    if (event.key.startsWith("Arrow") && at.closest(owns)) return;
    const room = document.querySelector(".sg.present");
    const name = BUTTONS[event.key.length === 1 ? event.key.toLowerCase() : event.key] || (room && REMOTE[event.key]);
    if (!name || !(running() || document.querySelector(`.st-key-${name} button`))) return;
    if (name === "leave" && !room) return;
    event.preventDefault();
    waiting.push([name, Date.now() + PATIENCE]);
    if (waiting.length === 1) next();
  });

  // While a page is drawn its buttons are still those of the page before, and would do what they did there.
  const PATIENCE = 10000, STEP = 40, SENT = 120; // milliseconds
  const waiting = [];
  const running = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
  // Nor has a menu taken over at once what the page before told it.
  let turned = 0;
  new MutationObserver(() => { turned = Date.now(); })
    .observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
  // A click on what is just being drawn anew is lost: one that should have turned the page and did not is made again.
  const TURNS = ["present", "leave", "next", "previous"], LOST = 1000;
  const done = (pause) => {
    waiting.shift();
    if (waiting.length) setTimeout(next, pause);
  };
  function next() {
    const [name, until] = waiting[0];
    const drawn = document.querySelector(`.st-key-${name} button`);
    const calm = !running() && Date.now() - turned > SENT;
    if (!(calm && drawn) && Date.now() < until) return setTimeout(next, STEP);
    const found = button(name); // null at the end of a list, or while it still has the state that it had before
    if (!found) return Date.now() - turned < LOST && Date.now() < until ? setTimeout(next, STEP) : done(0);
    found.click();
    // In the presenter view nothing else takes the keyboard, so that a remote goes on working.
    if (document.querySelector(".sg.present")) found.blur();
    if (!TURNS.includes(name)) return done(SENT);
    const sent = Date.now();
    const taken = () => {
      if (turned >= sent || Date.now() > until) return done(SENT);
      setTimeout(Date.now() - sent > LOST ? next : taken, STEP);
    };
    taken();
  }

  // A link of ours, or a page of the menu: the app is told as if the reader had come back to that address, so it draws
  // the page in place, the release stays in the address, and one press of Back undoes it.
  const go = (event, address) => {
    event.preventDefault();
    event.stopPropagation();
    history.pushState({}, "", address);
    window.dispatchEvent(new PopStateEvent("popstate"));
    arrive();
  };
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element && event.target.closest(".sg a[href], " + PAGES);
    if (!link || link.target || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
    const address = new URL(link.href);
    const release = new URLSearchParams(location.search).get("release");
    if (link.matches(PAGES) && release) address.searchParams.set("release", release);
    go(event, address.href);
  }, true);

  // The place that an address names is drawn some time after the page was opened.
  function arrive() {
    const name = decodeURIComponent(location.hash.slice(1));
    if (!name) return;
    const until = Date.now() + 15000;
    const look = () => {
      const place = document.getElementById(name);
      if (place) {
        for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
        place.scrollIntoView({ block: "center" });
        if (place.tabIndex < 0) place.tabIndex = -1;
        place.focus({ preventScroll: true });
      } else if (Date.now() < until) setTimeout(look, 100);
    };
    look();
  }

  // First stop of the keyboard: past the pages, to what was decided.
  const skip = document.createElement("a");
  skip.className = "signals-skip";
  skip.href = "#main";
  skip.textContent = "Skip to the content";
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    const main = document.getElementById("verdict") || document.querySelector("[data-testid=stMain]");
    if (!main) return;
    main.tabIndex = -1;
    main.focus();
  });
  document.body.prepend(skip);
  arrive();
})();
