// The control of a select with one answer: a list, or a menu where the list is long.
const SurveySelectOneControl = (function () {
  "use strict";

  const h = SurveyDom.h;
  const LONGEST_LIST = 30;

  function menu(context, item) {
    const first = h("option", { value: "", text: context.t("choose") });
    const choices = item.choices.map(function (choice) {
      const option = h("option", { value: choice.name, text: context.text(choice.label) });
      return { value: choice.name, node: option };
    });
    const specials = item.specials.map(function (code) {
      return h("option", { value: code, text: SurveyControlParts.specialLabel(context, item, code) });
    });
    const node = SurveyControlParts.field(context, item, "select", {}, [first]);
    let drawn = null;
    // Some browsers show hidden options all the same, so those that are not offered are not there.
    function fill() {
      const offered = SurveyControlParts.offer(context, item, choices);
      const names = offered.map(function (each) { return each.value; }).join(" ");
      if (names === drawn) return;
      drawn = names;
      SurveyDom.clear(node);
      [first].concat(offered.map(function (each) { return each.node; }), specials).forEach(
        function (option) { node.appendChild(option); }
      );
    }
    node.addEventListener("change", function () { context.answer(item, node.value || null); });
    return {
      node: h("div", { class: "sf-control" }, [node]),
      show: function (value) {
        fill();
        node.value = value || "";
      },
      focus: function () { node.focus(); },
      digit: function () { return false; }
    };
  }

  function build(context, item) {
    const isMenu = item.choices.length > LONGEST_LIST ||
      SurveyControlParts.looks(item, "minimal") || SurveyControlParts.looks(item, "autocomplete");
    if (isMenu) return menu(context, item);
    const main = SurveyControlParts.choiceOptions(context, item, "radio");
    return SurveyControlParts.radios(
      context, item, main, SurveyControlParts.row("sf-list", main),
      function (number) { return SurveyControlParts.offer(context, item, main)[number - 1]; }
    );
  }

  return { build };
})();
