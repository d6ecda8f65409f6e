// The control of each question type, built once, then told the answer, and asked for focus.
const SurveyInputs = (function () {
  "use strict";

  const CONTROLS = {
    rating: SurveyRatingControl,
    select_one: SurveySelectOneControl,
    select_multiple: SurveySelectMultipleControl,
    rank: SurveyRankControl,
    integer: SurveyIntegerControl,
    decimal: SurveyDecimalControl,
    text: SurveyTextControl,
    date: SurveyDateControl,
    time: SurveyDateControl,
    datetime: SurveyDateControl
  };

  // Controls that only some pages have, for questions that only these pages ask.
  function add(kind, control) {
    CONTROLS[kind] = control;
  }

  function build(context, item) {
    return CONTROLS[item.kind].build(context, item);
  }

  // What was typed as a value, and the raw text where it is none.
  function read(item, text) {
    return CONTROLS[item.kind].read(item, text);
  }

  return { add, build, read };
})();
