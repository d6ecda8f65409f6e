// The words of the form in the reader's language, with answers filled in.
const SurveyTexts = (function () {
  "use strict";

  function fill(words, params) {
    return words.replace(/\{(\w+)\}/g, function (whole, name) {
      return params && params[name] !== undefined ? String(params[name]) : whole;
    });
  }

  function labelOf(app, labels) {
    if (!labels) return "";
    return labels[app.state.language] || labels[app.form.default_language] ||
      labels[Object.keys(labels)[0]] || "";
  }

  // What `${name}` in a label stands for: the words of a choice, else the value itself.
  function shownAnswer(app, name) {
    const value = app.route.values[name];
    if (!SurveyRouting.given(value)) return "…";
    const item = app.items[name];
    const names = Array.isArray(value) ? value : [value];
    return names.map(function (each) {
      const choice = item && item.choices.filter(function (choice) { return choice.name === each; })[0];
      return choice ? labelOf(app, choice.label) : String(each);
    }).join(app.t("list_comma"));
  }

  function textOf(app, labels) {
    return labelOf(app, labels).replace(/\$\{\s*([\w.-]+)\s*\}/g, function (whole, name) {
      return shownAnswer(app, name);
    });
  }

  function rangeWords(app, item) {
    const low = item.min !== undefined;
    const high = item.max !== undefined;
    const key = low && high ? "problem_range" : low ? "problem_min" : "problem_max";
    return app.t(key, { min: item.min, max: item.max });
  }

  function problemWords(app, item, kind) {
    if (kind === "required") return textOf(app, item.required_message) || app.t("problem_required");
    if (kind === "constraint") {
      return textOf(app, item.constraint_message) || app.t("problem_constraint");
    }
    return kind === "range" ? rangeWords(app, item) : app.t("problem_" + kind);
  }

  function translate(app, key, params) {
    const words = app.texts[app.state.language] || app.texts[app.form.default_language];
    return fill(words[key] || key, params);
  }

  function htmlLanguage(code) {
    return code === "zh" ? "zh-CN" : code;
  }

  return {
    label: labelOf, text: textOf, problem: problemWords, translate,
    htmlLanguage
  };
})();
