// The control of a date: the calendar of the browser.
const SurveyDateControl = (function () {
  "use strict";

  function build(context, item) {
    const field = SurveyControlParts.field(context, item, "input", { type: "date" });
    return SurveyControlParts.typed(context, item, field, function (text) {
      return SurveyTextControl.read(item, text);
    });
  }

  return { build: build, read: SurveyTextControl.read };
})();
