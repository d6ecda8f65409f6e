// Streamlit's own texts in the reader's language, and its menu as screen readers can take it. The
// head of the page loads this before Streamlit, with `STREAMLIT_TEXTS`: language -> [part of the
// page, Streamlit's text, ours].
(function () {
  "use strict";

  const ATTRIBUTES = [
    "aria-label", "aria-roledescription", "aria-valuetext", "title", "placeholder", "alt"
  ];
  const WITH_ATTRIBUTES = ATTRIBUTES.map(function (name) { return "[" + name + "]"; }).join(",");
  const MAX_CHARS = 1000;
  const root = document.documentElement;
  const replaced = new WeakMap();
  let language = root.lang;
  let texts = textsOf(language);

  // Exact texts by themselves; texts with {…} as patterns by their first sign, so that most of a
  // page's texts are compared with none or a few.
  function textsOf(code) {
    const exact = new Map();
    const patterns = new Map();
    (STREAMLIT_TEXTS[code] || []).forEach(function ([part, source, text]) {
      if (!source.includes("{")) {
        exact.set(source, (exact.get(source) || []).concat({ part, text }));
        return;
      }
      const literal = source.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
      patterns.set(source[0], (patterns.get(source[0]) || []).concat({
        part, text, names: source.match(/\{\w+\}/g),
        pattern: new RegExp("^" + literal.replace(/\{\w+\}/g, "([^]+)") + "$")
      }));
    });
    return { exact, patterns };
  }

  // Streamlit always writes these in English.
  /** @type {Record<string, Intl.DateTimeFormatOptions>} */
  const DATES = {
    "{date}": { year: "numeric", month: "long", day: "numeric" }, "{month}": { month: "long" }
  };

  // Which channels of a mark a legend explains are Vega's own names: nobody needs them.
  function valueOf(name, written) {
    if (name === "{channels}") return "";
    if (!DATES[name]) return written;
    const day = new Date(name === "{month}" ? written + " 1, 2000" : written);
    return isNaN(day.getTime()) ? written : day.toLocaleDateString(language, DATES[name]);
  }

  function filled(entry, match) {
    return entry.names.reduce(function (text, name, index) {
      const value = valueOf(name, match[index + 1]);
      return text.replace(name, function () { return value; });
    }, entry.text);
  }

  function patternsFor(sign) {
    const open = texts.patterns.get("{") || [];
    return texts.patterns.has(sign) ? texts.patterns.get(sign).concat(open) : open;
  }

  function translation(source, element) {
    const trimmed = source.trim();
    if (!trimmed || trimmed.length > MAX_CHARS) return source;
    const entry = (texts.exact.get(trimmed) || []).find(function (each) {
      return element.closest(each.part);
    });
    if (entry) return source.replace(trimmed, function () { return entry.text; });
    for (const each of patternsFor(trimmed[0])) {
      const match = each.pattern.exec(trimmed);
      if (match && element.closest(each.part)) return filled(each, match);
    }
    return source;
  }

  // What Streamlit wrote, also where our text stands now.
  function sourceOf(node, name, now) {
    const known = replaced.get(node);
    const before = known && known[name];
    return before && before.text === now ? before.source : now;
  }

  function remember(node, name, source, text) {
    if (!replaced.has(node)) replaced.set(node, {});
    replaced.get(node)[name] = { source, text };
  }

  function translateText(node) {
    const now = node.data;
    const source = sourceOf(node, "text", now);
    // What is written inside of a chart is data.
    const element = node.parentElement;
    if (!element || element.localName === "text") return;
    const text = translation(source, element);
    if (text === now) return;
    remember(node, "text", source, text);
    node.data = text;
  }

  function translateAttributes(element) {
    ATTRIBUTES.forEach(function (name) {
      const now = element.getAttribute(name);
      if (!now) return;
      const source = sourceOf(element, name, now);
      const text = translation(source, element);
      if (text === now) return;
      remember(element, name, source, text);
      element.setAttribute(name, text);
    });
  }

  // With headings Streamlit's menu is no list: between it and its entries stand those of a heading.
  const MENU_LISTS = '[data-testid="stSidebarNavItems"], [data-testid="stSidebarNavItems"] li';

  function unlistMenu(node) {
    const parts = Array.from(node.querySelectorAll(MENU_LISTS));
    (node.matches(MENU_LISTS) ? parts.concat(node) : parts).forEach(function (part) {
      part.setAttribute("role", "none");
    });
  }

  function translateAll(node) {
    if (node.nodeType === Node.TEXT_NODE) translateText(node);
    if (node.nodeType !== Node.ELEMENT_NODE || node.localName === "style") return;
    unlistMenu(node);
    translateAttributes(node);
    node.querySelectorAll(WITH_ATTRIBUTES).forEach(translateAttributes);
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) translateText(walker.currentNode);
  }

  // The page says its language at its head; Streamlit's dates and numbers ask the browser's.
  function follow() {
    const head = document.querySelector(".hcs-brand[lang]");
    const chosen = head ? head.getAttribute("lang") : language;
    if (chosen === language) return false;
    language = root.lang = chosen;
    texts = textsOf(language);
    window.dispatchEvent(new Event("languagechange"));
    return true;
  }

  Object.defineProperties(navigator, {
    language: { configurable: true, get: function () { return language; } },
    languages: { configurable: true, get: function () { return [language]; } }
  });
  new MutationObserver(function (changes) {
    if (follow()) {
      translateAll(document.body);
      return;
    }
    changes.forEach(function (change) {
      if (change.type === "childList") change.addedNodes.forEach(translateAll);
      else if (change.type === "characterData") translateText(change.target);
      else translateAttributes(change.target);
    });
  }).observe(document, {
    subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ATTRIBUTES.concat("lang")
  });
})();
