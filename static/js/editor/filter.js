// A field that narrows a long list of choices as one types; Enter takes the first that is left.

for (const field of document.querySelectorAll("[data-filter]")) {
  const select = document.getElementById(field.dataset.filter);
  if (select.matches(":disabled")) continue;
  field.hidden = false;
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = field.value.trim() && [...select.options].find((each) => each.value && isMeant(each));
    if (!first) return;
    select.value = first.value;
    for (const name of ["input", "change"]) select.dispatchEvent(new Event(name, { bubbles: true }));
    field.value = "";
    narrow();
    select.focus();
  });

  function narrow() {
    for (const option of select.options) option.hidden = Boolean(option.value) && !option.selected && !isMeant(option);
    for (const group of select.querySelectorAll("optgroup")) {
      group.hidden = [...group.children].every((option) => option.hidden);
    }
  }

  function isMeant(option) {
    const said = `${option.text} ${option.parentElement.label ?? ""}`.toLowerCase();
    return field.value.toLowerCase().split(/\s+/).every((word) => said.includes(word));
  }
}
