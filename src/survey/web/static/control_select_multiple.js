// The control of a select with any number of answers.
const SurveySelectMultipleControl = (function () {
  "use strict";

  function build(context, item) {
    const main = SurveyControlParts.choiceOptions(context, item, "checkbox");
    const special = SurveyControlParts.specialOptions(context, item, "checkbox");
    const node = SurveyControlParts.frame(context, item, "group", [
      SurveyControlParts.row("sf-list", main),
      SurveyControlParts.row("sf-specials", special)
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
      node,
      show: function (value) {
        SurveyControlParts.offer(context, item, main);
        main.concat(special).forEach(function (each) {
          each.input.checked = Array.isArray(value) ? value.indexOf(each.value) >= 0
            : each.value === value;
        });
      },
      focus: function () {
        SurveyControlParts.offer(context, item, main).concat(special)[0].input.focus();
      },
      digit: function (digit) {
        return SurveyControlParts.pick(SurveyControlParts.offer(context, item, main)[digit - 1]);
      }
    };
  }

  return { build };
})();
