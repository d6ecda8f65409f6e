// The code by which a respondent withdraws: twenty digits, drawn here, the last one a check.
const SurveyWithdrawalCode = (function () {
  "use strict";

  const h = SurveyDom.h;
  const DRAWN = 19;

  function checkDigit(digits) {
    const total = digits.reduce(function (sum, digit, place) {
      return sum + (place % 2 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2);
    }, 0);
    return (10 - total % 10) % 10;
  }

  function draw() {
    const digits = [];
    while (digits.length < DRAWN) {
      const byte = window.crypto.getRandomValues(new Uint8Array(1))[0];
      if (byte < 250) digits.push(byte % 10);
    }
    return digits.concat(checkDigit(digits)).join("");
  }

  function grouped(code) {
    return code.replace(/(.{4})(?=.)/g, "$1 ");
  }

  // On a respondent's own device it is kept there as well; a surveyor reads it aloud.
  function block(app) {
    const code = app.state.code;
    if (!code) return null;
    const words = app.t(app.meta.next ? "code_aloud" : "code_text", {
      address: window.location.host + "/withdraw"
    });
    return h("div", { class: "sf-code" }, [
      h("p", { text: words }), h("strong", { text: grouped(code) })
    ]);
  }

  return { draw, grouped, block };
})();
