"use strict";
// How elements are made. What a tape holds reaches the page through here alone: as text nodes, never as HTML.

const byId = (id) => document.getElementById(id);

/** An element: `make("p", {class: "note", click: fn, "aria-label": "…"}, "text", child, …)`. A string becomes text. */
function make(tag, given, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/**
 * Fill a container with `count` articles, each of which gets its content when it comes near to what is seen.
 * `build(index)` gives the nodes; `frame(index)` the empty article. The first ones are filled at once.
 */
function lazily(container, count, frame, build) {
  const articles = [];
  const fill = (index) => {
    const article = articles[index];
    if (article.dataset.filled) return;
    article.dataset.filled = "1";
    watch.unobserve(article);
    article.append(...build(index));
  };
  const watch = new IntersectionObserver(
    (seen) => seen.forEach((one) => one.isIntersecting && fill(Number(one.target.dataset.index))),
    { root: container, rootMargin: "800px 0px" },
  );
  const all = document.createDocumentFragment();
  for (let index = 0; index < count; index++) {
    const article = frame(index);
    article.dataset.index = index;
    articles.push(article);
    all.append(article);
  }
  container.append(all);
  for (let index = 0; index < count; index++) index < 4 ? fill(index) : watch.observe(articles[index]);
  return {
    articles,
    fill,
    fillAll: () => articles.forEach((_, index) => fill(index)),
    stop: () => watch.disconnect(),
  };
}

/** Scroll a pane, and nothing around it, so that an article stands at its top; what is above may yet find its height. */
function bringUp(pane, article, again = 2) {
  if (!article) return;
  pane.scrollTop += article.getBoundingClientRect().top - pane.getBoundingClientRect().top;
  if (again) requestAnimationFrame(() => bringUp(pane, article, again - 1));
}

/** Say something to who listens to the page. */
function announce(text) {
  byId("said").textContent = text;
}
