// The control of a date, a time of the day, or both: the pickers of the browser.
const SurveyDateControl = (function () {
  "use strict";

  const TYPES = { date: "date", time: "time", datetime: "datetime-local" };

  function build(context, item) {
    const field = SurveyControlParts.field(context, item, "input", { type: TYPES[item.kind] });
    return SurveyControlParts.typed(context, item, field, SurveyTextControl.read);
  }

  return { build, read: SurveyTextControl.read };
})();
