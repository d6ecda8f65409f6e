// What the controls of several question types are made of: options, rows, frames, typed fields.
const SurveyControlParts = (function () {
  "use strict";

  const h = SurveyDom.h;
  const CHECK_DELAY = 250;

  function looks(item, word) {
    return (item.appearance || "").split(" ").indexOf(word) >= 0;
  }

  // Its address ends with its size, so that its place is kept until it is there.
  function picture(context, images, label) {
    const src = context.text(images);
    if (!src) return null;
    const size = src.split("#")[1].split("x");
    return h("img", {
      class: "sf-picture", loading: "lazy", width: size[0], height: size[1], alt: label, src
    });
  }

  function option(context, item, type, value, label, spoken, images) {
    const shown = picture(context, images, label);
    const input = h("input", {
      type, name: context.id + item.name, value: String(value),
      "aria-label": shown ? label : spoken
    });
    input.answer = value;
    const face = h("span", { class: "sf-face", text: label }, [shown]);
    return { value, input, node: h("label", { class: "sf-option" }, [input, face]) };
  }

  function choiceOption(context, item, type, choice, value) {
    return option(context, item, type, value, context.text(choice.label), null, choice.image);
  }

  function choiceOptions(context, item, type) {
    return item.choices.map(function (choice) {
      return choiceOption(context, item, type, choice, choice.name);
    });
  }

  // Hides the choices that an earlier answer does not offer; returns the others.
  function offer(context, item, options) {
    const offered = context.offered(item);
    return options.filter(function (each) {
      each.node.hidden = Boolean(offered) && offered.indexOf(each.value) < 0;
      return !each.node.hidden;
    });
  }

  function specialLabel(context, item, code) {
    return context.text(item.special_labels[code]) || context.t("special_" + code);
  }

  function specialOptions(context, item, type) {
    return item.specials.map(function (code) {
      return option(context, item, type, code, specialLabel(context, item, code));
    });
  }

  function row(kind, options, attributes) {
    if (!options.length) return null;
    return h("div", Object.assign({ class: kind }, attributes), options.map(function (each) {
      return each.node;
    }));
  }

  function frame(context, item, role, children) {
    return h("div", {
      role,
      class: "sf-control",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": role === "radiogroup" && item.required ? "true" : null
    }, children);
  }

  function pick(option) {
    if (!option) return false;
    option.input.focus();
    option.input.click();
    return true;
  }

  // Radio buttons; `face` draws the main ones, `byDigit` gives the one that a digit stands for.
  function radios(context, item, main, face, byDigit) {
    const special = specialOptions(context, item, "radio");
    const options = main.concat(special);
    const node = frame(context, item, "radiogroup", [face, row("sf-specials", special)]);
    node.addEventListener("change", function (event) {
      context.answer(item, event.target.answer);
    });
    return {
      node,
      show: function (value) {
        offer(context, item, main);
        options.forEach(function (each) { each.input.checked = each.value === value; });
      },
      focus: function () {
        const chosen = options.filter(function (each) { return each.input.checked; })[0];
        (chosen || offer(context, item, main).concat(special)[0]).input.focus();
      },
      digit: function (digit) { return pick(byDigit(Number(digit))); }
    };
  }

  function field(context, item, tag, attributes, children) {
    return h(tag, Object.assign({
      id: context.id + item.name + "-field",
      class: "sf-field",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": item.required ? "true" : null,
      autocomplete: "off"
    }, attributes), children);
  }

  // A field to type in; `read` turns item and text into a value and, when it is none, the raw text.
  function typed(context, item, field, read) {
    const special = specialOptions(context, item, "radio");
    field.addEventListener("input", function () {
      const entered = read(item, field.value);
      context.answer(item, entered.value, entered.raw);
    });
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
      node,
      show: function (value, raw) {
        const code = item.specials.indexOf(value) >= 0;
        special.forEach(function (each) { each.input.checked = each.value === value; });
        const text = raw || (code || value === undefined || value === null ? "" : String(value));
        // While somebody types "7." or " 7" the field keeps what they typed.
        const same = field.value === text || value !== null && read(item, field.value).value === value;
        if (!same) field.value = text;
      },
      focus: function () { field.focus(); },
      digit: function () { return false; }
    };
  }

  return {
    looks, picture, option, choiceOption, choiceOptions, offer, specialLabel,
    specialOptions, row, frame, pick, radios,
    field, typed
  };
})();
