// The control of a rating: a scale, a list of named scores, or a number where the scale is long.
const SurveyRatingControl = (function () {
  "use strict";

  const h = SurveyDom.h;
  const WIDEST_SCALE = 21;

  function scalePoints(item) {
    const step = item.step || 1;
    const points = [];
    for (let value = item.min; value <= item.max + step / 1000; value += step) {
      points.push(Math.round(value * 1000) / 1000);
    }
    return points;
  }

  // A rating made from a select may name its scores: then the names are what people read.
  function hasNames(context, item) {
    return item.choices.some(function (choice) {
      return choice.image || context.text(choice.label).trim() !== choice.name;
    });
  }

  function endLabel(context, item, value) {
    if (value === item.min) return context.text(item.low_label);
    return value === item.max ? context.text(item.high_label) : "";
  }

  function scaleOptions(context, item) {
    return scalePoints(item).map(function (value) {
      const end = endLabel(context, item, value);
      return SurveyControlParts.option(
        context, item, "radio", value, String(value), end ? value + " " + end : null
      );
    });
  }

  function namedOptions(context, item) {
    return item.choices.map(function (choice) {
      return SurveyControlParts.choiceOption(context, item, "radio", choice, Number(choice.name));
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

  // Two halves that stand side by side where there is room and under one another where not.
  function scaleFace(context, item, options) {
    const middle = options.length > 7 ? Math.ceil(options.length / 2) : options.length;
    const rows = [options.slice(0, middle), options.slice(middle)];
    const grid = h("div", { class: "sf-scale" }, rows.map(function (half) {
      return SurveyControlParts.row("sf-row", half);
    }));
    return h("div", {}, [grid, scaleEnds(context, item)]);
  }

  // A digit is the score itself, and 0 stands for 10.
  function byDigit(options) {
    const values = options.map(function (each) { return each.value; });
    return function (number) {
      const at = values.indexOf(number);
      return options[at < 0 && number === 0 ? values.indexOf(10) : at];
    };
  }

  function build(context, item) {
    if ((item.max - item.min) / (item.step || 1) >= WIDEST_SCALE) {
      return SurveyDecimalControl.build(context, item);
    }
    const named = hasNames(context, item);
    const main = named ? namedOptions(context, item) : scaleOptions(context, item);
    const face = named ? SurveyControlParts.row("sf-list", main) : scaleFace(context, item, main);
    return SurveyControlParts.radios(context, item, main, face, byDigit(main));
  }

  return { build, read: SurveyDecimalControl.read };
})();
