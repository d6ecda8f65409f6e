// The control of an open question: one line, or several where the form says so.
const SurveyTextControl = (function () {
  "use strict";

  function read(item, text) {
    return { value: text.trim() === "" ? null : text };
  }

  function build(context, item) {
    const field = SurveyControlParts.looks(item, "multiline")
      ? SurveyControlParts.field(context, item, "textarea", { rows: 4, maxlength: item.max_length })
      : SurveyControlParts.field(context, item, "input", {
        type: "text", maxlength: item.max_length
      });
    return SurveyControlParts.typed(context, item, field, read);
  }

  return { build, read };
})();
