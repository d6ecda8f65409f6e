// One line a field: number, words, field, and the echo of what was keyed.
const SurveyGridLines = (function () {
  "use strict";

  const h = SurveyDom.h;

  function optionWords(app, item, value) {
    const chosen = SurveyKeyingCodes.options(item).filter(function (option) {
      return option.value === value;
    })[0];
    const label = chosen ? app.text(chosen.label) : "";
    return item.kind === "rating" && !item.choices.length ? "" : label;
  }

  // What stands for a value on the screen: words for choices and codes, the value itself else.
  function echo(app, item, value) {
    if (value === undefined) return app.t("paper_not_asked");
    if (value === null) return app.t("paper_blank");
    if (item.specials.indexOf(value) >= 0) {
      return app.text(item.special_labels[value]) || app.t("special_" + value);
    }
    const values = Array.isArray(value) ? value : [value];
    return values.map(function (each) {
      return optionWords(app, item, each) || String(each);
    }).join(app.t("list_comma"));
  }

  function keyed(item, value) {
    const values = Array.isArray(value) ? value : [value];
    return values.map(function (each) {
      const chosen = SurveyKeyingCodes.options(item).filter(function (option) {
        return option.value === each;
      })[0];
      return chosen ? chosen.code : "";
    }).filter(Boolean).join(" ");
  }

  // Pairs of key and words, in the order of the question.
  function legend(app, item) {
    const letters = SurveyKeyingCodes.LETTERS;
    const options = SurveyKeyingCodes.isChosen(item) ? SurveyKeyingCodes.options(item) : [];
    const parts = options.map(function (option) {
      const words = option.label ? app.text(option.label) : "";
      return [option.code, words ? option.code + " " + words : option.code];
    });
    const codes = item.specials.map(function (code) {
      return [letters[code], letters[code].toUpperCase() + " " + echo(app, item, code)];
    });
    const blank = letters.blank.toUpperCase() + " " + app.t("paper_blank");
    return parts.concat(codes, app.decisive[item.name] ? [] : [[letters.blank, blank]]);
  }

  function ids(app, name) {
    const plain = app.id + name.replace("@", "at-");
    return { label: plain + "-label", error: plain + "-error", field: plain + "-field" };
  }

  function typedField(app, name, item) {
    const id = ids(app, name);
    return h("input", {
      type: "text", class: "sp-field", id: id.field, "aria-describedby": id.error,
      inputmode: item && item.kind !== "text" ? "decimal" : null, autocomplete: "off",
      maxlength: item && item.max_length ? item.max_length : 24
    });
  }

  // No input method works in a field that takes no text, so digits and letters arrive as they are.
  function keyField(app, name) {
    const id = ids(app, name);
    return h("div", {
      class: "sp-field sp-key", role: "spinbutton", tabindex: -1, "aria-labelledby": id.label,
      "aria-describedby": id.error
    });
  }

  function shape(app, name, number, words, field) {
    const id = ids(app, name);
    /** @type {Record<string, any>} */
    const parts = {
      field,
      label: h(isTyped(app, name) ? "label" : "span", {
        class: "sp-label", id: id.label, text: words, for: isTyped(app, name) ? id.field : null
      }),
      echo: h("span", { class: "sp-echo" }),
      sides: h("span", { class: "sp-sides" }),
      error: h("span", { class: "sp-error", id: id.error })
    };
    parts.node = h("div", { class: "sp-line", "data-line": name }, [
      h("span", { class: "sp-number", text: number, "aria-hidden": "true" }),
      parts.label, parts.sides, parts.field, parts.echo, parts.error
    ]);
    return parts;
  }

  function isTyped(app, name) {
    if (name === "@serial") return true;
    return name.charAt(0) !== "@" && !SurveyKeyingCodes.isChosen(app.items[name]);
  }

  // In a verdict a field is first a choice between two, and only then a field to key.
  function build(app, name, number, words) {
    const item = app.items[name];
    const typed = isTyped(app, name) ? typedField(app, name, item) : null;
    const line = shape(app, name, number, words, h("span", { class: "sp-holder" }));
    line.name = name;
    line.item = item;
    line.typed = "";
    line.input = typed;
    line.box = typed && !app.sides ? null : keyField(app, name);
    line.show = function () { show(app, line); };
    line.use = function () { return current(app, line); };
    return line;
  }

  function isChoosing(app, name) {
    return Boolean(app.sides && app.sides[name]) && app.state.picks[name] !== 0;
  }

  function current(app, line) {
    const field = line.box && (isChoosing(app, line.name) || !line.input) ? line.box : line.input;
    if (line.field.firstChild !== field) {
      SurveyDom.clear(line.field);
      line.field.appendChild(field);
    }
    return field;
  }

  function showBox(app, line, value) {
    const words = line.item ? echo(app, line.item, value) : "";
    const code = line.item && SurveyRouting.given(value) ? keyed(line.item, value) : "";
    const picked = app.state.picks[line.name] || "";
    const shown = isChoosing(app, line.name) ? String(picked) : line.typed || code;
    line.box.textContent = shown;
    line.box.setAttribute("aria-valuetext", words || shown || app.t("paper_empty"));
    line.box.setAttribute("aria-valuenow", String(parseInt(shown, 10) || 0));
  }

  function sideWords(app, name, number) {
    const value = SurveyPaperSheet.sideValue(app, name, number);
    return app.items[name] ? echo(app, app.items[name], value) : app.names[value] || value;
  }

  function showSides(app, line) {
    const sides = app.sides && app.sides[line.name];
    SurveyDom.clear(line.sides);
    (sides ? [1, 2] : []).forEach(function (number) {
      const on = app.state.picks[line.name] === number;
      line.sides.appendChild(h("span", {
        class: "sp-side" + (on ? " sp-on" : ""),
        text: number + "  " + sideWords(app, line.name, number)
      }));
    });
  }

  function valueOf(app, name) {
    return app.state.missing[name] ? null : app.state.answers[name];
  }

  function show(app, line) {
    const on = SurveyPaperSheet.isOn(app, line.name);
    const value = line.item ? valueOf(app, line.name) : undefined;
    const field = current(app, line);
    const problem = app.problems[line.name] || "";
    line.node.classList.toggle("sp-off", !on);
    line.node.classList.toggle("sp-wrong", Boolean(problem));
    line.node.hidden = Boolean(app.isHidden && app.isHidden(line.name));
    if (field === line.box) showBox(app, line, value);
    else field.disabled = !on;
    line.echo.textContent = !on || value === undefined || !line.item ? "" : (
      value !== null && line.input && line.item.specials.indexOf(value) < 0 ? ""
        : echo(app, line.item, value));
    line.error.textContent = problem;
    if (problem) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    showSides(app, line);
  }

  return { build, legend, isChoosing, echo };
})();
