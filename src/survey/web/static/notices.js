// The bare pages around the form: refusals, no network, signing out.
(function () {
  "use strict";

  function signOut() {
    SurveyBrowserStorage.forgetAll();
    /** @type {HTMLFormElement} */ (document.getElementById("sign-out")).submit();
  }

  // Sends what is left on this device and shows how much; calls `onCount` at every change.
  function sendWaiting(boot, root, onCount) {
    const sender = SurveyOutbox.create(SurveyOutbox.post(boot.submit_url), function () {}, show);
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
    root.querySelector("form").addEventListener("submit", SurveyBrowserStorage.forgetAll);
    sendWaiting(boot, root, function (count) { if (!count) signOut(); });
  }

  // A finished interview whose receipt was lost is asked for again before its draft is let go.
  function startNotice(boot, root) {
    sendWaiting(boot, root, function () {});
    if (boot.draft_key) recogniseDevice(boot, root);
  }

  // Without a network: the page that this device keeps for the address, else a reload later.
  function startOffline(boot, root) {
    const kept = SurveyBrowserStorage.pageAt(window.location.pathname);
    if (kept) {
      SurveyPublicPage.startForm(kept.boot, root);
      return;
    }
    startNotice(boot, root);
    window.addEventListener("online", function () { window.location.reload(); });
  }

  // A browser that keeps no cookies shows by what it did keep that it is the same one.
  function recogniseDevice(boot, root) {
    const page = SurveyBrowserStorage.page(boot.draft_key);
    const device = page ? page.boot.device : (window.history.state || {}).device;
    if (!device) return;
    SurveyPublicPage.tellDevice(device, true).then(function (answer) {
      return answer.ok ? answer.json() : null;
    }).then(function (again) {
      if (again) SurveyPublicPage.startForm(again, root);
    }).catch(function () {});
  }

  // What this device kept of an interview need not be typed.
  function startWithdraw(boot, root) {
    const field = root.querySelector("#code");
    if (SurveyBrowserStorage.preference("elder")) root.querySelector(".sf").classList.add("sf-elder");
    const kept = SurveyBrowserStorage.page("code");
    if (!field.value && kept) field.value = SurveyWithdrawalCode.grouped(kept.code);
  }

  function startWithdrawn(boot, root) {
    const kept = SurveyBrowserStorage.page("code");
    if (kept && kept.code === boot.code) SurveyBrowserStorage.dropPage("code");
    startNotice(boot, root);
  }

  SurveyPublicPage.run({
    sign_out: startSignOut, notice: startNotice, offline: startOffline,
    withdraw: startWithdraw, withdrawn: startWithdrawn
  });
})();
