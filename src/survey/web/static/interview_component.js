// The interview inside the surveyor's Streamlit page.
const PAGE_PATIENCE = 4000;

// Hands a payload to the page and resolves when the page names its UUID among the outcomes. A page
// whose session is gone (a restart, another replica) never answers: then the same payload goes by
// HTTP, in the name of the signed-in user. Sending a UUID again changes nothing.
function transportOf(mount) {
  return function (payload) {
    const uuid = payload.client_uuid;
    return new Promise(function (resolve) {
      function answered(outcome) {
        clearTimeout(timer);
        delete mount.waiting[uuid];
        resolve(outcome);
      }
      const timer = setTimeout(function () {
        SurveyOutbox.post(window.location.origin + "/api/responses")(payload).then(answered);
      }, PAGE_PATIENCE);
      mount.waiting[uuid] = answered;
      mount.component.setTriggerValue("submitted", payload);
    });
  };
}

function tellOutcomes(mount) {
  mount.component.data.outcomes.forEach(function (each) {
    const answered = mount.waiting[each.client_uuid];
    if (answered) answered(SurveyOutbox.outcomeOf(each.status, each.body));
  });
}

function show(mount, form) {
  SurveyPhotos.forgetOld();
  const data = mount.component.data;
  SurveyDom.clear(mount.root);
  mount.root.appendChild(SurveyDom.h("link", { rel: "stylesheet", href: data.style_url }));
  mount.handle = SurveyForm.mount(mount.root, {
    form, texts: textsFor(data), meta: data.meta, draftKey: data.draft_key,
    language: data.language, elder: data.elder, heading: "h2",
    send: SurveyPhotos.before(transportOf(mount)),
    scheme: isDark(mount.root) ? "dark" : "light"
  });
}

function follow(mount) {
  if (mount.handle) mount.handle.full(mount.component.data.meta.full);
  tellOutcomes(mount);
}
