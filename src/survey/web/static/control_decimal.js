// The control of a number with decimal places; full-width digits count as digits.
const SurveyDecimalControl = (function () {
  "use strict";

  const LONGEST_NUMBER = 24;
  const FULL_WIDTH_DIGITS = /[\uff0e\uff10-\uff19\uff0d]/g;
  const DECIMAL = /^-?\d{1,15}(\.\d{1,10})?$/;

  function halfWidth(text) {
    return text.replace(FULL_WIDTH_DIGITS, function (character) {
      return String.fromCharCode(character.charCodeAt(0) - 0xfee0);
    }).trim();
  }

  function readNumber(pattern, text) {
    const plain = halfWidth(text);
    return pattern.test(plain) ? { value: Number(plain), raw: "" } :
      { value: null, raw: text.trim() };
  }

  function buildNumber(context, item, keyboard, read) {
    const field = SurveyControlParts.field(context, item, "input", {
      type: "text", maxlength: LONGEST_NUMBER, inputmode: keyboard
    });
    return SurveyControlParts.typed(context, item, field, read);
  }

  function read(item, text) {
    return readNumber(DECIMAL, text);
  }

  function build(context, item) {
    return buildNumber(context, item, "decimal", read);
  }

  return { build, read, buildNumber, readNumber };
})();
