// The keyboard: digits answer, Enter goes on, and whatever an input method is composing is let be.
const SurveyFormKeyboard = (function () {
  "use strict";

  function openAfter(app, name) {
    const items = SurveyInterview.step(app).items;
    const names = items.map(function (item) { return item.name; });
    return items.slice(names.indexOf(name) + 1).filter(function (item) {
      return SurveyInterview.isOpen(app, item);
    })[0];
  }

  function enter(app, name) {
    const open = openAfter(app, name);
    if (open) app.focusOn(open.name);
    else app.next();
  }

  function questionAt(app, target) {
    const node = target.closest ? target.closest("[data-item]") : null;
    return node ? app.questions[node.getAttribute("data-item")] : null;
  }

  function takesText(target) {
    return target.tagName === "TEXTAREA" || target.tagName === "SELECT" ||
      (target.tagName === "INPUT" && target.type !== "radio" && target.type !== "checkbox");
  }

  function digitKey(app, key, question) {
    const open = question ? null : openAfter(app, null);
    const chosen = question || (open && app.questions[open.name]);
    return Boolean(chosen && chosen.digit && chosen.digit(key));
  }

  function isPlain(event) {
    return !(event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey ||
      event.metaKey || event.defaultPrevented);
  }

  function onKey(app, event) {
    if (app.screen !== "filling" || !isPlain(event)) return;
    const target = event.composedPath ? event.composedPath()[0] : event.target;
    const question = questionAt(app, target);
    if (event.key === "Enter") {
      if (["BUTTON", "TEXTAREA", "SELECT"].indexOf(target.tagName) >= 0) return;
      event.preventDefault();
      enter(app, question ? question.item.name : null);
    } else if (/^[0-9]$/.test(event.key) && !takesText(target)) {
      if (digitKey(app, event.key, question)) event.preventDefault();
    }
  }

  return { handle: onKey };
})();
