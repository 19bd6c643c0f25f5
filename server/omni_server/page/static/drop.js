// Files dropped anywhere on the page.

/** Calls `take(files)`; `over(true)` while something hangs above the page. */
export function acceptDrops(take, over) {
  let depth = 0;
  const files = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => files(event) && ++depth === 1 && over(true));
  document.addEventListener("dragleave", (event) => files(event) && --depth === 0 && over(false));
  document.addEventListener("dragover", (event) => files(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    take([...event.dataTransfer.files].filter(({ size, type }) => size || type)); // folders have neither
  });
}
