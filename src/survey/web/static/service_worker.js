// Keeps the form's own files, so that a link that was open opens again without a network.
"use strict";

const KEPT = "survey-form-" + FILES.slice(1).join("");
const SHELL = FILES[0];
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

self.addEventListener("install", function (/** @type {ExtendableEvent} */ event) {
  event.waitUntil(caches.open(KEPT).then(function (cache) {
    return cache.addAll(FILES);
  }).then(function () { return worker.skipWaiting(); }));
});

// Questionnaires stay: a draft of an earlier one may still be open.
self.addEventListener("activate", function (/** @type {ExtendableEvent} */ event) {
  event.waitUntil(caches.keys().then(function (names) {
    return Promise.all(names.filter(function (name) {
      return name.indexOf("survey-form-") === 0 && name !== KEPT;
    }).map(function (name) { return caches.delete(name); }));
  }));
});

function openPage(request) {
  return fetch(request).then(function (answer) {
    if (answer.status < 500) return answer;
    return caches.match(SHELL).then(function (shell) { return shell || answer; });
  }, function (lost) {
    return caches.match(SHELL).then(function (shell) { return shell || Promise.reject(lost); });
  });
}

self.addEventListener("fetch", function (/** @type {FetchEvent} */ event) {
  const request = event.request;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(openPage(request));
  } else {
    event.respondWith(caches.match(request).then(function (kept) {
      return kept || fetch(request);
    }));
  }
});
