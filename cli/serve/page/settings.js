/* ---- Settings -------------------------------------------------------------------------------------------------------- */

const fields = [...document.querySelectorAll("#options [name]")];

function showOptions() {
  for (const field of fields) field.value = current.options[field.name] ?? "";
  byId("options").showModal();
}

function keepOptions() {
  for (const field of fields) {
    const value = field.name === "system" ? field.value : field.value === "" ? undefined : Number(field.value);
    if (value === undefined || value === "") delete current.options[field.name];
    else current.options[field.name] = value;
  }
  save(current);
}

/* ---- Attachments ----------------------------------------------------------------------------------------------------- */

let attached = [];

async function attach(list) {
  for (const file of list) {
    const total = attached.reduce((sum, a) => sum + a.bytes, 0) + file.size;
    if (file.size > kFileBytes) notice(`${file.name} has ${size(file.size)}; a file may have ${size(kFileBytes)}.`);
    else if (total > kFilesBytes) notice(`The files of a message may have ${size(kFilesBytes)} in all.`);
    else {
      try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
        if (text.includes("\0")) throw new Error();
        attached.push({ name: file.name, text, bytes: file.size });
      } catch { notice(`${file.name} is not a text in UTF-8.`); }
    }
  }
  showChips();
}

function showChips() {
  byId("chips").replaceChildren(...attached.map((file) => el("span", { class: "chip" },
    el("span", {}, `${file.name} · ${size(file.bytes)}`),
    button("×", () => { attached = attached.filter((a) => a !== file); showChips(); byId("text").focus(); }, { "aria-label": `Remove ${file.name}` }))));
}
