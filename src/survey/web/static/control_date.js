// The control of a date: the calendar of the browser.
const SurveyDateControl = (function () {
  "use strict";

  function build(context, item) {
    const field = SurveyControlParts.field(context, item, "input", { type: "date" });
    return SurveyControlParts.typed(context, item, field, SurveyTextControl.read);
  }

  return { build, read: SurveyTextControl.read };
})();
