// The control of a ranking: beside each choice the place that it gets.
const SurveyRankControl = (function () {
  "use strict";

  const h = SurveyDom.h;

  // A ranking under way is kept as text, the places in the order of the choices: "2,,1".
  function placesOf(item, value, raw) {
    return item.choices.map(function (choice, index) {
      if (raw) return raw.split(",")[index];
      return Array.isArray(value) ? String(value.indexOf(choice.name) + 1) : "";
    });
  }

  function build(context, item) {
    const places = item.choices.map(function (_, index) { return String(index + 1); });
    const rows = item.choices.map(function (choice) {
      const select = h("select", {}, [""].concat(places).map(function (place) {
        return h("option", { value: place, text: place || "–" });
      }));
      const label = context.text(choice.label);
      const picture = SurveyControlParts.picture(context, choice.image, "");
      return { select, node: h("label", {}, [picture, h("span", { text: label }), select]) };
    });
    const special = SurveyControlParts.specialOptions(context, item, "radio");
    const list = h("div", { class: "sf-rank" }, rows.map(function (row) { return row.node; }));
    const node = SurveyControlParts.frame(context, item, "group", [
      list, SurveyControlParts.row("sf-specials", special)
    ]);
    let shown = placesOf(item, null);

    function answer(chosen) {
      const names = places.map(function (place) {
        const choice = item.choices[chosen.indexOf(place)];
        return choice && choice.name;
      });
      if (names.every(Boolean)) context.answer(item, names);
      else context.answer(item, null, chosen.join("") && chosen.join(","));
    }

    node.addEventListener("change", function (event) {
      if (event.target.answer !== undefined) {
        context.answer(item, event.target.answer);
        return;
      }
      const chosen = rows.map(function (row) { return row.select.value; });
      // Two that want one place change places.
      chosen.forEach(function (place, index) {
        if (place && place === event.target.value && rows[index].select !== event.target) {
          chosen[index] = shown[rows.findIndex(function (row) { return row.select === event.target; })];
        }
      });
      answer(chosen);
    });
    return {
      node,
      show: function (value, raw) {
        shown = placesOf(item, value, raw);
        rows.forEach(function (row, index) { row.select.value = shown[index]; });
        special.forEach(function (each) { each.input.checked = each.value === value; });
      },
      focus: function () { rows[0].select.focus(); },
      digit: function () { return false; }
    };
  }

  return { build };
})();
