// One question on the screen: words, control, and what is wrong with the answer beside it.
const SurveyQuestions = (function () {
  "use strict";

  const h = SurveyDom.h;

  function contextOf(app) {
    return {
      id: app.id,
      t: app.t,
      text: app.text,
      labelId: function (item) { return app.id + item.name + "-label"; },
      noteIds: function (item) {
        return app.id + item.name + "-hint " + app.id + item.name + "-error";
      },
      answer: app.answer,
      check: app.check,
      offered: function (item) { return app.route.offered[item.name]; },
      submission: function () { return app.meta.submission || {}; },
      language: function () { return app.state.language; }
    };
  }

  function note(app, item) {
    const words = h("p", {});
    return {
      item,
      node: h("div", { class: "sf-note" }, [words, picture(app, item)]),
      update: function () { words.textContent = app.text(item.label); },
      focus: function () {}
    };
  }

  function picture(app, item) {
    return SurveyControlParts.picture(app, item.image, app.text(item.label));
  }

  function readButton(app, item) {
    if (!app.elder || !SurveySpeech.available(app.state.language)) return null;
    return SurveyDom.button("sf-quiet sf-read", app.t("read_this"), function () {
      SurveySpeech.say(spoken(app, item), app.state.language);
    });
  }

  function clearButton(app, item) {
    const choosing = item.kind === "rating" || item.kind === "select_one";
    if (item.required || !choosing) return null;
    return SurveyDom.button("sf-quiet sf-clear", app.t("clear"), function () {
      app.answer(item, null);
      app.focusOn(item.name);
    });
  }

  function markInvalid(control, message) {
    const bearer = control.node.querySelector(".sf-field") || control.node;
    if (bearer.getAttribute("role") === "group") return;
    if (message) bearer.setAttribute("aria-invalid", "true");
    else bearer.removeAttribute("aria-invalid");
  }

  function build(app, item) {
    if (item.kind === "note") return note(app, item);
    const context = contextOf(app);
    const words = h("span", {});
    const hint = h("p", { class: "sf-hint", id: app.id + item.name + "-hint" });
    const error = h("p", { class: "sf-error", id: app.id + item.name + "-error" });
    const control = SurveyInputs.build(context, item);
    const clear = clearButton(app, item);
    const label = h("div", { class: "sf-label", id: context.labelId(item) }, [
      words, item.required ? null : h("span", { class: "sf-optional", text: app.t("optional") })
    ]);
    const node = h("div", { class: "sf-question sf-" + item.kind, "data-item": item.name }, [
      label, hint, picture(app, item), readButton(app, item), control.node, error, clear
    ]);
    return {
      item,
      node,
      digit: control.digit,
      focus: control.focus,
      update: function () {
        const message = app.problems[item.name] || "";
        const value = app.state.answers[item.name];
        words.textContent = app.text(item.label);
        hint.textContent = app.text(item.hint);
        error.textContent = message;
        node.classList.toggle("sf-wrong", Boolean(message));
        markInvalid(control, message);
        control.show(value, app.state.raw[item.name]);
        if (clear) clear.hidden = !SurveyRouting.given(value);
      }
    };
  }

  function spoken(app, item) {
    const parts = [app.text(item.label), app.text(item.hint)];
    if (item.low_label && item.kind === "rating") {
      const low = app.text(item.low_label);
      const high = app.text(item.high_label);
      if (low) parts.push(item.min + " " + low);
      if (high) parts.push(item.max + " " + high);
    }
    const offered = app.route.offered[item.name];
    item.choices.forEach(function (choice) {
      if (!offered || offered.indexOf(choice.name) >= 0) parts.push(app.text(choice.label));
    });
    return parts.filter(Boolean).join("。 ");
  }

  return { build, spoken };
})();
