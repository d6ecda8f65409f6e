// The control of a photo: taken or chosen, shown, and what has become of it in words.
const SurveyPhotoControl = (function () {
  "use strict";

  const h = SurveyDom.h;

  function build(context, item) {
    const field = SurveyControlParts.field(context, item, "input", {
      type: "file", accept: "image/*"
    });
    const picture = h("img", { class: "sf-photo", alt: context.t("photo_alt"), hidden: true });
    // Here and not in the style sheet, which every phone of the public form loads.
    Object.assign(picture.style, { maxWidth: "100%", maxHeight: "240px", marginTop: "8px" });
    const status = h("p", { class: "sf-hint", role: "status" });
    const remove = SurveyDom.button("sf-quiet", context.t("photo_remove"), function () {
      SurveyPhotos.forget(shown);
      context.answer(item, null);
    });
    let shown = null;

    function say(key) {
      status.textContent = key ? context.t(key) : "";
    }

    function look(photo) {
      if (picture.src) URL.revokeObjectURL(picture.src);
      picture.hidden = !photo;
      if (photo) picture.src = URL.createObjectURL(photo.blob);
      else picture.removeAttribute("src");
    }

    // Tried at once, so that a refusal is said while the observer still stands there.
    function send(photo, survives) {
      say("photo_sending");
      SurveyPhotos.send(photo).then(function (result) {
        if (shown !== photo.id) return;
        if (result.outcome === "receipt") say("photo_arrived");
        else if (result.outcome === "retry") say(survives ? "photo_kept" : "photo_in_memory");
        else {
          SurveyPhotos.forget(photo.id);
          context.answer(item, null);
          status.textContent = result.message;
        }
      });
    }

    function take(file) {
      say("photo_preparing");
      const prepared = item.keeps_place ? Promise.resolve(file) : SurveyPhotos.shrink(file);
      prepared.then(function (blob) {
        const photo = {
          id: SurveyAnswerState.fresh("").uuid, item: item.name, blob, at: Date.now(),
          point: context.submission().point_id, language: context.language(), sent: false
        };
        return SurveyPhotos.keep(photo).then(function (survives) {
          if (shown) SurveyPhotos.forget(shown);
          context.answer(item, photo.id);
          if (photo.point) send(photo, survives);
          else say("");
        });
      });
    }

    function show(value) {
      if ((value || null) === shown) return;
      shown = value || null;
      remove.hidden = !shown;
      field.value = "";
      if (!shown) {
        look(null);
        say("");
        return;
      }
      SurveyPhotos.find(shown).then(function (photo) {
        if (shown !== value) return;
        look(photo);
        if (status.textContent) return;
        if (!photo) say("photo_not_here");
        else say(photo.sent ? "photo_arrived" : "photo_kept");
      });
    }

    field.addEventListener("change", function () {
      if (field.files && field.files[0]) take(field.files[0]);
    });
    return {
      node: h("div", { class: "sf-control" }, [
        h("p", { class: "sf-hint", text: context.t("photo_faces") }),
        item.keeps_place ? h("p", { class: "sf-hint", text: context.t("photo_place") }) : null,
        field, picture, status, remove
      ]),
      show,
      focus: function () { field.focus(); },
      digit: function () { return false; }
    };
  }

  return { build, read: SurveyTextControl.read };
})();

SurveyInputs.add("photo", SurveyPhotoControl);
