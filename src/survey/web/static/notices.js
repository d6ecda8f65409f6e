// The bare pages around the form: refusals, no network, signing out.
(function () {
  "use strict";

  function signOut() {
    SurveyDrafts.forgetAll();
    document.getElementById("sign-out").submit();
  }

  // Sends what is left on this device and says how much; `onCount` is told of every change.
  function sendWaiting(boot, root, onCount) {
    const sender = SurveySender.create(SurveySender.post(boot.submit_url), function () {}, show);
    function show() {
      const count = sender.pending();
      const line = root.querySelector("[data-pending]");
      if (line) line.textContent = count ? boot.pending.replace("{count}", count) : "";
      onCount(count);
    }
    show();
    sender.flush();
  }

  // Nothing unsent: leave at once. Otherwise show how many remain, and let people choose.
  function startSignOut(boot, root) {
    root.querySelector("form").addEventListener("submit", SurveyDrafts.forgetAll);
    sendWaiting(boot, root, function (count) { if (!count) signOut(); });
  }

  // A finished interview whose receipt was lost is asked for again before its draft is let go.
  function startNotice(boot, root) {
    sendWaiting(boot, root, function () {});
    if (boot.draft_key) recogniseDevice(boot, root);
  }

  // Without a network: the page that this device keeps for the address, else a reload later.
  function startOffline(boot, root) {
    const kept = SurveyDrafts.pageAt(window.location.pathname);
    if (kept) {
      SurveyPage.startForm(kept.boot, root);
      return;
    }
    startNotice(boot, root);
    window.addEventListener("online", function () { window.location.reload(); });
  }

  // A browser that keeps no cookies shows by what it did keep that it is the same one.
  function recogniseDevice(boot, root) {
    const page = SurveyDrafts.page(boot.draft_key);
    const device = page ? page.boot.device : (window.history.state || {}).device;
    if (!device) return;
    SurveyPage.tellDevice(device, true).then(function (answer) {
      return answer.ok ? answer.json() : null;
    }).then(function (again) {
      if (again) SurveyPage.startForm(again, root);
    }).catch(function () {});
  }

  // What this device kept of an interview need not be typed.
  function startWithdraw(boot, root) {
    const field = root.querySelector("#code");
    if (SurveyDrafts.preference("elder")) root.querySelector(".sf").classList.add("sf-elder");
    const kept = SurveyDrafts.page("code");
    if (!field.value && kept) field.value = SurveyCode.grouped(kept.code);
  }

  function startWithdrawn(boot, root) {
    const kept = SurveyDrafts.page("code");
    if (kept && kept.code === boot.code) SurveyDrafts.dropPage("code");
    startNotice(boot, root);
  }

  SurveyPage.run({
    sign_out: startSignOut, notice: startNotice, offline: startOffline,
    withdraw: startWithdraw, withdrawn: startWithdrawn
  });
})();
