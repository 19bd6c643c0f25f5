// The server's token: from the address (#token=…) or typed once; kept until this tab is closed.

const KEY = "omni-token";

export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function remember(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

/** Takes the token out of the address, so that it stands in no history and no copied link. */
export function takeFromAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  if (!hash.has("token")) return;
  remember(hash.get("token"));
  hash.delete("token");
  history.replaceState(null, "", location.pathname + (hash.size ? `#${hash}` : ""));
}
