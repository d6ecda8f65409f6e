// Building elements; every text becomes a text node, so that nothing said is ever run.
const SurveyDom = (function () {
  "use strict";

  function set(node, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }

  // h("p", {class: "x", click: handler, text: "words"}, [children]): nothing for null children.
  function h(tag, attributes, children) {
    const node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { set(node, name, attributes[name]); });
    (children || []).forEach(function (child) { if (child) node.appendChild(child); });
    return node;
  }

  function clear(node) {
    while (node.firstChild) node.removeChild(node.firstChild);
  }

  function button(kind, text, onClick, extra) {
    const attributes = { type: "button", class: "sf-button " + kind, text, click: onClick };
    return h("button", Object.assign(attributes, extra));
  }

  return { h, clear, button };
})();
