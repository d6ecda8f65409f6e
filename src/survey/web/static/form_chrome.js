// What surrounds the questions: the bar on top, the outbox line, and the closing screens.
const SurveyFormChrome = (function () {
  "use strict";

  const h = SurveyDom.h;
  const button = SurveyDom.button;

  function languageSwitch(app) {
    const others = app.form.languages.filter(function (each) {
      return each.code !== app.state.language;
    });
    if (!others.length) return null;
    if (others.length === 1) {
      return button("sf-tool", others[0].name, function () {
        app.setLanguage(others[0].code);
      }, { lang: app.htmlLanguage(others[0].code) });
    }
    const select = h("select", { class: "sf-tool", "aria-label": app.t("language") },
      app.form.languages.map(function (each) {
        return h("option", {
          value: each.code, text: each.name, selected: each.code === app.state.language
        });
      }));
    select.addEventListener("change", function () { app.setLanguage(select.value); });
    return select;
  }

  function elderSwitch(app) {
    return button("sf-tool", app.t("large_text"), function () { app.setElder(!app.elder); }, {
      "aria-pressed": app.elder ? "true" : "false"
    });
  }

  function aloudSwitch(app) {
    if (!app.elder || !SurveySpeech.available(app.state.language)) return null;
    return button("sf-tool", app.t("read_aloud"), function () { app.setAloud(!app.aloud); }, {
      "aria-pressed": app.aloud ? "true" : "false"
    });
  }

  function progressBar(app, share) {
    const percent = Math.round(share * 100);
    const fill = h("div", { class: "sf-fill" });
    fill.style.width = percent + "%";
    return h("div", { class: "sf-place" }, [
      h("div", {
        class: "sf-progress", role: "progressbar", "aria-label": app.t("progress"),
        "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent
      }, [fill]),
      h("span", { class: "sf-count", text: percent + "%", "aria-hidden": "true" })
    ]);
  }

  function top(app, share) {
    return h("div", { class: "sf-top" }, [
      h("div", { class: "sf-brand" }, [
        app.meta.place ? h("span", { class: "sf-where", text: app.label(app.meta.place) }) : null,
        app.meta.is_demo ? h("span", { class: "sf-demo", text: app.t("demo") }) : null
      ]),
      h("div", { class: "sf-tools" }, [aloudSwitch(app), elderSwitch(app), languageSwitch(app)]),
      share === null ? null : progressBar(app, share)
    ]);
  }

  function waiting(app) {
    const count = app.sender.pending();
    return count && app.t(count === 1 ? "pending_one" : "pending_many", { count });
  }

  function outboxLine(app) {
    const words = waiting(app);
    if (!words) return null;
    return h("div", { class: "sf-outbox" }, [
      h("span", { text: words }),
      app.sender.busy() ? null : button("sf-quiet", app.t("send_now"), app.sender.flush)
    ]);
  }

  function resumedLine(app) {
    if (!app.resumed) return null;
    return h("div", { class: "sf-notice", role: "status" }, [
      h("span", { text: app.t("resumed") }),
      button("sf-quiet", app.t("start_over"), function () { app.askToForget("begin"); })
    ]);
  }

  function storageLine(app) {
    return app.kept ? null : h("div", { class: "sf-notice sf-warn", text: app.t("not_kept") });
  }

  function closing(app, mark, title, paragraphs, actions, blocks) {
    const heading = h(app.heading, { class: "sf-heading", tabindex: -1, text: title });
    return h("section", { class: "sf-closing" }, [
      h("div", { class: "sf-mark " + mark, "aria-hidden": "true" }), heading
    ].concat(paragraphs.filter(Boolean).map(function (words) {
      return h("p", { text: words });
    }), blocks || [], [h("div", { class: "sf-nav" }, actions)]));
  }

  function nextAction(app) {
    return app.meta.next ? button("sf-main", app.t("next_interview"), app.begin) : null;
  }

  function sending(app) {
    const busy = app.sender.busy();
    return closing(app, "sf-wait", app.t(busy ? "sending" : "kept_here"), parting(app).concat([
      app.t("kept_here_text"), waiting(app)
    ]), [
      busy ? null : button("sf-main", app.t("send_now"), app.sender.flush), nextAction(app)
    ], [SurveyWithdrawalCode.block(app)]);
  }

  // People who answered to the end learn why it does not count; those who were stopped know.
  function thanks(app, status) {
    if (status === "parked") return "parked_text";
    if (status === SurveyQuota.reason) return app.route.full ? "ended_text" : "quota_kept";
    return status === "screened_out" || status === "refused" ? "ended_text" : "received_text";
  }

  // The questionnaire's own thanks are for people who answered to the end.
  function words(app, key) {
    const own = key === "received_text" && app.form && app.form.thanks;
    return own ? app.text(own) : app.t(key);
  }

  // What the form itself says to those it lets go; they see it here, for all is sent by then.
  function parting(app) {
    const last = app.steps[app.steps.length - 1];
    if (app.route.full || !app.route.stop || !last) return [];
    return last.items.map(function (item) { return app.text(item.label); });
  }

  // A page reopened without a network has no `SurveyContact`: then no number is asked for.
  function received(app) {
    const receipt = app.receipt;
    const code = String(receipt.response_id || "").replace(/-/g, "").slice(-8).toUpperCase();
    const parked = receipt.status === "parked";
    const parted = parked ? [] : parting(app);
    return closing(app, "sf-done", app.t(parked ? "parked" : "received"), (parted.length ? parted : [
      words(app, thanks(app, receipt.status))
    ]).concat([
      code && app.t("receipt_code", { code }),
      app.meta.next ? "" : app.t("may_close")
    ]), [nextAction(app)], [
      SurveyWithdrawalCode.block(app),
      !parked && app.meta.phone && window.SurveyContact && window.SurveyContact.block(app)
    ]);
  }

  function refused(app) {
    const words = app.refusal.message || app.t("refused_text");
    return closing(app, "sf-stop", app.t("refused"), [words], [nextAction(app)]);
  }

  function forgotten(app) {
    return closing(app, "sf-done", app.t("withdrawn"), [app.t("withdrawn_text")], [
      nextAction(app) || button("sf-second", app.t("begin_again"), app.begin)
    ]);
  }

  function forgetQuestion(app) {
    return h("div", {
      class: "sf-notice sf-warn", role: "alertdialog", "aria-label": app.t("forget_sure")
    }, [
      h("span", { text: app.t("forget_sure") }),
      h("div", { class: "sf-nav" }, [
        button("sf-second", app.t("forget_no"), app.keep),
        button("sf-main", app.t("forget_yes"), app.forget)
      ])
    ]);
  }

  return {
    top,
    outboxLine,
    resumedLine,
    storageLine,
    forgetQuestion,
    closing: { sending, received, refused, forgotten }
  };
})();
