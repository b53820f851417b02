"use strict";
// Marks on text that is on the page, by the browser's custom highlights: no element is added for one. Where a browser has
// none of them, nothing is coloured and everything else works.

const MARKS = {};
for (const name of ["found", "now", "json-name", "json-text", "json-number"]) {
  if (!("highlights" in CSS)) break;
  MARKS[name] = new Highlight();
  CSS.highlights.set(name, MARKS[name]);
}
if (MARKS.now) MARKS.now.priority = 2;
if (MARKS.found) MARKS.found.priority = 1;

/** Mark characters of a text node; the mark goes when the node does. */
function mark(name, node, from, to) {
  if (!MARKS[name]) return;
  MARKS[name].add(new StaticRange({ startContainer: node, startOffset: from, endContainer: node, endOffset: to }));
}

/** Let go of the marks whose text is no longer on the page. */
function sweep() {
  for (const set of Object.values(MARKS)) {
    for (const range of [...set]) if (!range.startContainer.isConnected) set.delete(range);
  }
}

/** Mark every place below `root` that says `query`, the first as the one that was gone to; its element, or null. */
function markFound(root, query) {
  MARKS.found?.clear();
  MARKS.now?.clear();
  if (!query) return null;
  const wanted = query.toLowerCase();
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let first = null;
  let count = 0;
  for (let node = walker.nextNode(); node && count < 5000; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0 && count < 5000; at = text.indexOf(wanted, at + wanted.length)) {
      if (at + wanted.length > node.length) break;
      mark(first ? "found" : "now", node, at, at + wanted.length);
      first ??= node.parentElement;
      count++;
    }
  }
  return first;
}
