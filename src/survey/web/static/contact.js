// The telephone number for a back-check: asked for after the thanks, sent to an endpoint of its own.
window.SurveyContact = (function () {
  "use strict";

  const h = SurveyDom.h;

  function leave(app, field, message) {
    SurveyOutbox.post(app.meta.phone)({ code: app.state.code, phone: field.value })
      .then(function (result) {
        app.phoned = result.outcome === "receipt";
        if (app.phoned) SurveyFormView.fromTop(app);
        else message.textContent = result.message || app.t("phone_failed");
      });
  }

  function block(app) {
    if (app.receipt.status !== "submitted") return null;
    if (app.phoned) return h("p", { text: app.t("phone_kept") });
    const message = h("p", { role: "alert" });
    const field = h("input", {
      class: "sf-field", type: "tel", autocomplete: "off", "aria-label": app.t("phone_label")
    });
    return h("div", { class: "sf-code" }, [
      h("p", { text: app.t("phone_text") }), field, message,
      SurveyDom.button("sf-second", app.t("phone_leave"), function () { leave(app, field, message); })
    ]);
  }

  return { block };
})();
