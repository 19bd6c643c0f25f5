// One upload. The only module that knows how files reach the server.

import { authorised, Refused } from "./http_link.js";

/** Sends a file; `tell` hears the share that is sent, 0 to 1. Resolves to what ingest takes. */
export function upload(file, tell, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch reports no progress of what is sent
    request.open("POST", `/upload?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(authorised())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => tell(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText).source);
      else if (request.status === 401) reject(new Refused(request.responseText.trim()));
      else reject(new Error(request.responseText.trim().replace(/^[A-Z_]+: /, "") || `answer ${request.status}`));
    });
    request.addEventListener("error", () => reject(new Error("The connection broke off.")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
