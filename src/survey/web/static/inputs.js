// The control of each kind of question: built once, then shows answers and takes the focus.
const SurveyInputs = (function () {
  "use strict";

  const h = SurveyDom.h;
  const WIDEST_SCALE = 21;
  const LONGEST_LIST = 30;
  const CHECK_DELAY = 250;
  const LONGEST_NUMBER = 24;
  const FULL_WIDTH_DIGITS = /[\uff0e\uff10-\uff19\uff0d]/g;

  function scalePoints(item) {
    const step = item.step || 1;
    const points = [];
    for (let value = item.min; value <= item.max + step / 1000; value += step) {
      points.push(Math.round(value * 1000) / 1000);
    }
    return points;
  }

  function isScale(item) {
    const step = item.step || 1;
    return item.kind === "rating" && (item.max - item.min) / step < WIDEST_SCALE;
  }

  // A rating made from a select may name its scores: then the names are what people read.
  function hasWords(context, item) {
    return item.choices.some(function (choice) {
      return context.text(choice.label).trim() !== choice.name;
    });
  }

  function option(context, item, type, value, label, spoken) {
    const input = h("input", {
      type: type, name: context.id + item.name, value: String(value), "aria-label": spoken
    });
    input.answer = value;
    return {
      value: value,
      input: input,
      node: h("label", { class: "sf-option" }, [input, h("span", { class: "sf-face", text: label })])
    };
  }

  function specialWords(context, item, code) {
    return context.text(item.special_labels[code]) || context.t("special_" + code);
  }

  function specialOptions(context, item, type) {
    return item.specials.map(function (code) {
      return option(context, item, type, code, specialWords(context, item, code));
    });
  }

  function endLabel(context, item, value) {
    if (value === item.min) return context.text(item.low_label);
    return value === item.max ? context.text(item.high_label) : "";
  }

  function scaleOptions(context, item) {
    return scalePoints(item).map(function (value) {
      const end = endLabel(context, item, value);
      return option(context, item, "radio", value, String(value), end ? value + " " + end : null);
    });
  }

  function scaleEnds(context, item) {
    const low = context.text(item.low_label);
    const high = context.text(item.high_label);
    if (!low && !high) return null;
    return h("div", { class: "sf-ends", "aria-hidden": "true" }, [
      h("span", { text: low && item.min + " " + low }),
      h("span", { text: high && item.max + " " + high })
    ]);
  }

  function row(kind, options, attributes) {
    if (!options.length) return null;
    return h("div", Object.assign({ class: kind }, attributes), options.map(function (each) {
      return each.node;
    }));
  }

  // Two halves that stand side by side where there is room and under one another where not.
  function scaleFace(context, item, options) {
    const middle = options.length > 7 ? Math.ceil(options.length / 2) : options.length;
    const rows = [options.slice(0, middle), options.slice(middle)];
    const grid = h("div", { class: "sf-scale" }, rows.map(function (half) {
      return row("sf-row", half);
    }));
    return h("div", {}, [grid, scaleEnds(context, item)]);
  }

  function frame(context, item, role, children) {
    return h("div", {
      role: role,
      class: "sf-control",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": role === "radiogroup" && item.required ? "true" : null
    }, children);
  }

  function chosenFirst(options) {
    return options.filter(function (each) { return each.input.checked; })[0] || options[0];
  }

  // Digit 1 is the first answer; on a scale it is the score itself, and 0 stands for 10.
  function byDigit(item, options, digit) {
    const number = Number(digit);
    const values = options.map(function (each) { return each.value; });
    if (item.kind !== "rating") return options[number - 1];
    const at = values.indexOf(number);
    return options[at < 0 && number === 0 ? values.indexOf(10) : at];
  }

  function pick(option) {
    if (!option) return false;
    option.input.focus();
    option.input.click();
    return true;
  }

  function single(context, item) {
    const scale = isScale(item) && !hasWords(context, item);
    const main = scale ? scaleOptions(context, item) : item.choices.map(function (choice) {
      const value = item.kind === "rating" ? Number(choice.name) : choice.name;
      return option(context, item, "radio", value, context.text(choice.label));
    });
    const special = specialOptions(context, item, "radio");
    const options = main.concat(special);
    const node = frame(context, item, "radiogroup", [
      scale ? scaleFace(context, item, main) : row("sf-list", main),
      row("sf-specials", special)
    ]);
    node.addEventListener("change", function (event) {
      context.answer(item, event.target.answer);
    });
    return {
      node: node,
      show: function (value) {
        options.forEach(function (each) { each.input.checked = each.value === value; });
      },
      focus: function () { chosenFirst(options).input.focus(); },
      digit: function (digit) { return pick(byDigit(item, main, digit)); }
    };
  }

  function multiple(context, item) {
    const main = item.choices.map(function (choice) {
      return option(context, item, "checkbox", choice.name, context.text(choice.label));
    });
    const special = specialOptions(context, item, "checkbox");
    const node = frame(context, item, "group", [
      row("sf-list", main),
      row("sf-specials", special)
    ]);
    function collect(changed) {
      if (item.specials.indexOf(changed.answer) >= 0) return changed.checked ? changed.answer : null;
      const names = main.filter(function (each) { return each.input.checked; });
      return names.map(function (each) { return each.value; });
    }
    node.addEventListener("change", function (event) {
      context.answer(item, collect(event.target));
    });
    return {
      node: node,
      show: function (value) {
        main.concat(special).forEach(function (each) {
          each.input.checked = Array.isArray(value) ? value.indexOf(each.value) >= 0
            : each.value === value;
        });
      },
      focus: function () { main[0].input.focus(); },
      digit: function (digit) { return pick(byDigit(item, main, digit)); }
    };
  }

  function halfWidth(text) {
    return text.replace(FULL_WIDTH_DIGITS, function (character) {
      return String.fromCharCode(character.charCodeAt(0) - 0xfee0);
    }).trim();
  }

  function parse(item, text) {
    const plain = halfWidth(text);
    const pattern = item.kind === "integer" ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,10})?$/;
    return pattern.test(plain) ? Number(plain) : null;
  }

  function readTyped(context, item, text) {
    if (item.kind === "text" || item.kind === "date") {
      context.answer(item, text.trim() === "" ? null : text);
      return;
    }
    const number = parse(item, text);
    context.answer(item, number, number === null ? text.trim() : "");
  }

  function typedField(context, item) {
    const attributes = {
      id: context.id + item.name + "-field",
      class: "sf-field",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": item.required ? "true" : null,
      autocomplete: "off"
    };
    if (item.kind === "text" && looks(item, "multiline")) {
      return h("textarea", Object.assign(attributes, { rows: 4, maxlength: item.max_length }));
    }
    if (item.kind === "date") return h("input", Object.assign(attributes, { type: "date" }));
    const mode = { integer: "numeric", text: null }[item.kind];
    return h("input", Object.assign(attributes, {
      type: "text",
      maxlength: item.max_length || LONGEST_NUMBER,
      inputmode: mode === undefined ? "decimal" : mode
    }));
  }

  function typed(context, item) {
    const field = typedField(context, item);
    const special = specialOptions(context, item, "radio");
    field.addEventListener("input", function () { readTyped(context, item, field.value); });
    // A message that appeared at once would push away the button that is being clicked.
    field.addEventListener("blur", function () {
      setTimeout(function () { context.check(item); }, CHECK_DELAY);
    });
    const node = h("div", { class: "sf-control" }, [
      field,
      row("sf-specials", special, { role: "radiogroup", "aria-labelledby": context.labelId(item) })
    ]);
    node.addEventListener("change", function (event) {
      if (event.target !== field) context.answer(item, event.target.answer);
    });
    return {
      node: node,
      show: function (value, raw) {
        const code = item.specials.indexOf(value) >= 0;
        special.forEach(function (each) { each.input.checked = each.value === value; });
        const text = raw || (code || value === undefined || value === null ? "" : String(value));
        const same = field.value === text || readsAs(item, field.value, value);
        if (!same) field.value = text;
      },
      focus: function () { field.focus(); },
      digit: function () { return false; }
    };
  }

  // While "7." or " 7" is being typed the field keeps it.
  function readsAs(item, text, value) {
    if (item.kind === "text" || item.kind === "date") return text === value;
    return typeof value === "number" && parse(item, text) === value;
  }

  function dropdown(context, item) {
    const first = h("option", { value: "", text: context.t("choose") });
    const node = h("select", {
      class: "sf-field",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": item.required ? "true" : null
    }, [first].concat(item.choices.map(function (choice) {
      return h("option", { value: choice.name, text: context.text(choice.label) });
    }), item.specials.map(function (code) {
      return h("option", { value: code, text: specialWords(context, item, code) });
    })));
    node.addEventListener("change", function () { context.answer(item, node.value || null); });
    return {
      node: h("div", { class: "sf-control" }, [node]),
      show: function (value) { node.value = value || ""; },
      focus: function () { node.focus(); },
      digit: function () { return false; }
    };
  }

  function looks(item, word) {
    return (item.appearance || "").split(" ").indexOf(word) >= 0;
  }

  function wantsDropdown(item) {
    return item.choices.length > LONGEST_LIST || looks(item, "minimal") || looks(item, "autocomplete");
  }

  function build(context, item) {
    if (item.kind === "select_multiple") return multiple(context, item);
    if (item.kind === "select_one") {
      return wantsDropdown(item) ? dropdown(context, item) : single(context, item);
    }
    return isScale(item) ? single(context, item) : typed(context, item);
  }

  return { build: build, parse: parse };
})();
