// The body figure: its regions are buttons; click, touch, Enter and Space choose one. Called again with
// every change of the data; what has not changed is left standing, and the focus stays where it is.

const STEP = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".figure");
  const known = (root.known ??= { drawn: {}, show: null });
  known.choose = (region) => setTriggerValue("chosen", region);
  known.hint = data.hint;
  if (!known.wired) wire(root, known);
  for (const view of ["front", "back"]) draw(root, known, view, data[view]);
  if (known.show !== data.show) {
    known.show = data.show;
    turn(root, data.show);
  }
  if (!root.querySelector(".halo")) hush(root, known, "hover");
}

function draw(root, known, view, svg) {
  if (known.drawn[view] === svg) return;
  known.drawn[view] = svg;
  const slot = root.querySelector(`[data-slot=${view}]`);
  const at = slot.querySelector(".region[tabindex='0']")?.dataset.region;
  const focused = slot.contains(root.getRootNode().activeElement);
  slot.innerHTML = svg;
  const regions = all(slot);
  const stop =
    regions.find((region) => region.dataset.region === at) ??
    regions.find((region) => region.getAttribute("aria-pressed") === "true") ??
    regions[0];
  stop?.setAttribute("tabindex", "0");
  if (focused) stop?.focus({ preventScroll: true });
}

function wire(root, known) {
  known.wired = true;
  const views = root.querySelector(".views");
  views.addEventListener("click", (event) => {
    const region = event.target.closest?.(".region");
    if (region) choose(region, known);
  });
  views.addEventListener("keydown", (event) => press(event, known));
  views.addEventListener("focusin", (event) => say(root, known, event.target.closest(".region"), "focus"));
  views.addEventListener("focusout", () => hush(root, known, "focus"));
  views.addEventListener("pointerover", (event) => {
    const region = event.target.closest(".region");
    if (region) say(root, known, region, "hover");
    else hush(root, known, "hover");
  });
  views.addEventListener("pointerleave", () => hush(root, known, "hover"));
  root.querySelector(".switch").addEventListener("click", (event) => {
    const view = event.target.dataset.show;
    if (view) turn(root, view);
  });
}

function all(slot) {
  return [...slot.querySelectorAll(".region")];
}

function choose(region, known) {
  rest(region);
  known.choose(region.dataset.region);
}

// One region of a view is where Tab stops; the arrow keys move on from there.
function rest(region) {
  for (const other of all(region.ownerSVGElement)) other.setAttribute("tabindex", "-1");
  region.setAttribute("tabindex", "0");
}

function press(event, known) {
  const region = event.target.closest(".region");
  if (!region) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(region, known);
  } else if (event.key in STEP || event.key === "Home" || event.key === "End") {
    event.preventDefault();
    const next = neighbour(region, event.key);
    if (next) {
      rest(next);
      next.focus({ preventScroll: true });
    }
  }
}

function middle(region) {
  return region.dataset.heart.split(" ").map(Number);
}

function neighbour(region, key) {
  const regions = all(region.ownerSVGElement);
  if (key === "Home") return regions[0];
  if (key === "End") return regions.at(-1);
  const [dx, dy] = STEP[key];
  const [x, y] = middle(region);
  let best = null;
  let least = Infinity;
  for (const other of regions) {
    const [u, v] = middle(other);
    const ahead = (u - x) * dx + (v - y) * dy;
    const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
    const cost = ahead + 2 * aside;
    if (other !== region && ahead > 0 && aside <= 2 * ahead && cost < least) {
      least = cost;
      best = other;
    }
  }
  return best;
}

function say(root, known, region, why) {
  hush(root, known, why);
  if (!region) return;
  const halo = document.createElementNS("http://www.w3.org/2000/svg", "path");
  halo.setAttribute("d", region.getAttribute("d"));
  halo.setAttribute("class", `halo ${why}`);
  region.ownerSVGElement.append(halo);
  root.querySelector(".said").textContent = region.getAttribute("aria-label");
}

function hush(root, known, why) {
  for (const halo of root.querySelectorAll(`.halo.${why}`)) halo.remove();
  if (!root.querySelector(".halo")) root.querySelector(".said").textContent = known.hint;
}

function turn(root, view) {
  root.dataset.shown = view;
  for (const button of root.querySelectorAll(".switch button")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === view));
  }
}
