// Photos of a visit: kept in this browser until the server has them, made smaller, and sent.
const SurveyPhotos = (function () {
  "use strict";

  const DATABASE = "survey-photos";
  const STORE = "photos";
  const URL_PREFIX = "/api/photos/";
  const LONGEST_SIDE = 2048;
  const QUALITY = 0.85;
  const KEPT_DAYS = 30;
  const PATIENCE = 60000;
  // Without a database (a private window) only this page remembers.
  const memory = {};
  let opening = null;

  function asPromise(request) {
    return new Promise(function (resolve, reject) {
      request.onsuccess = function () { resolve(request.result); };
      request.onerror = function () { reject(request.error); };
    });
  }

  function open() {
    if (!opening) {
      opening = new Promise(function (resolve, reject) {
        const request = window.indexedDB.open(DATABASE, 1);
        request.onupgradeneeded = function () { request.result.createObjectStore(STORE); };
        request.onsuccess = function () { resolve(request.result); };
        request.onerror = function () { reject(request.error); };
      });
    }
    return opening;
  }

  function inStore(mode, act) {
    return open().then(function (database) {
      return asPromise(act(database.transaction(STORE, mode).objectStore(STORE)));
    });
  }

  // Resolves with whether the photo outlives this page.
  function keep(photo) {
    memory[photo.id] = photo;
    return inStore("readwrite", function (store) { return store.put(photo, photo.id); })
      .then(function () { return true; }, function () { return false; });
  }

  function find(id) {
    if (memory[id]) return Promise.resolve(memory[id]);
    return inStore("readonly", function (store) { return store.get(id); })
      .catch(function () { return undefined; });
  }

  function forget(id) {
    delete memory[id];
    return inStore("readwrite", function (store) { return store.delete(id); })
      .catch(function () {});
  }

  function forgetOld() {
    const oldest = Date.now() - KEPT_DAYS * 86400000;
    return inStore("readonly", function (store) { return store.getAll(); })
      .then(function (photos) {
        photos.forEach(function (photo) { if (!(photo.at > oldest)) forget(photo.id); });
      }, function () {});
  }

  function draw(image) {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise(function (resolve) { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  }

  // A smaller picture without anything that the camera wrote into it. What is no photo is handed
  // over as it is: the server says what is wrong with it.
  function shrink(file) {
    if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return Promise.resolve(file);
    const address = URL.createObjectURL(file);
    return new Promise(function (resolve) {
      const image = new Image();
      image.onload = function () {
        draw(image).then(function (blob) { resolve(blob || file); }, function () { resolve(file); });
      };
      image.onerror = function () { resolve(file); };
      image.src = address;
    }).then(function (blob) {
      URL.revokeObjectURL(address);
      return blob;
    });
  }

  // Sends one photo: {outcome: "receipt" | "retry" | "refused", message}. Twice changes nothing.
  function send(photo) {
    if (photo.sent) return Promise.resolve({ outcome: "receipt" });
    const controller = window.AbortController ? new AbortController() : null;
    const timer = controller && setTimeout(function () { controller.abort(); }, PATIENCE);
    const query = "?point=" + encodeURIComponent(photo.point) +
      "&item=" + encodeURIComponent(photo.item) + "&language=" + encodeURIComponent(photo.language);
    return fetch(window.location.origin + URL_PREFIX + photo.id + query, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      credentials: "same-origin",
      signal: controller ? controller.signal : undefined,
      body: photo.blob
    }).then(function (response) {
      return response.json().then(function (body) {
        return SurveyOutbox.outcomeOf(response.status === 429 ? 503 : response.status, body);
      });
    }).catch(function () { return { outcome: "retry" }; }).then(function (result) {
      clearTimeout(timer);
      if (result.outcome !== "receipt") return result;
      photo.sent = true;
      return keep(photo).then(function () { return result; });
    });
  }

  function photosOf(payload) {
    const names = Object.keys(payload.answers);
    return Promise.all(names.map(function (name) {
      const value = payload.answers[name];
      return typeof value === "string" && value.length === 36 ? find(value) : undefined;
    })).then(function (found) { return found.filter(Boolean); });
  }

  function sendInTurn(photos) {
    if (!photos.length) return Promise.resolve(null);
    return send(photos[0]).then(function (result) {
      if (result.outcome === "receipt") return sendInTurn(photos.slice(1));
      if (result.outcome === "retry") return result;
      return {
        outcome: "problems", problems: [{ item: photos[0].item, message: result.message }]
      };
    });
  }

  function settle(photos, result) {
    const wrong = (result.problems || []).map(function (each) { return each.item; });
    photos.forEach(function (photo) {
      if (result.outcome === "receipt") forget(photo.id);
      // Said to be missing there: it is sent again.
      else if (wrong.indexOf(photo.item) >= 0) {
        photo.sent = false;
        keep(photo);
      }
    });
    return result;
  }

  // A transport that sends the photos of an interview first, and the answers when all are there.
  function before(transport) {
    return function (payload) {
      return photosOf(payload).then(function (photos) {
        return sendInTurn(photos).then(function (stopped) {
          return stopped || transport(payload);
        }).then(function (result) { return settle(photos, result); });
      });
    };
  }

  return { keep, find, forget, forgetOld, shrink, send, before };
})();
