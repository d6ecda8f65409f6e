// The control of a select with one answer: a list, or a menu where the list is long.
const SurveySelectOneControl = (function () {
  "use strict";

  const h = SurveyDom.h;
  const LONGEST_LIST = 30;

  function menu(context, item) {
    const first = h("option", { value: "", text: context.t("choose") });
    const node = h("select", {
      class: "sf-field",
      "aria-labelledby": context.labelId(item),
      "aria-describedby": context.noteIds(item),
      "aria-required": item.required ? "true" : null
    }, [first].concat(item.choices.map(function (choice) {
      return h("option", { value: choice.name, text: context.text(choice.label) });
    }), item.specials.map(function (code) {
      return h("option", { value: code, text: SurveyControlParts.specialLabel(context, item, code) });
    })));
    node.addEventListener("change", function () { context.answer(item, node.value || null); });
    return {
      node: h("div", { class: "sf-control" }, [node]),
      show: function (value) { node.value = value || ""; },
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
      function (number) { return main[number - 1]; }
    );
  }

  return { build: build };
})();
