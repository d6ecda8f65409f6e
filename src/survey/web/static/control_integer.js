// The control of a whole number.
const SurveyIntegerControl = (function () {
  "use strict";

  const INTEGER = /^-?\d{1,15}$/;

  function read(item, text) {
    return SurveyDecimalControl.readNumber(INTEGER, text);
  }

  function build(context, item) {
    return SurveyDecimalControl.buildNumber(context, item, "numeric", read);
  }

  return { build, read };
})();
