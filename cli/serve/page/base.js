/* ---- What all parts use ---------------------------------------------------------------------------------------------- */

const kFileBytes = 256 * 1024;      // of one attachment
const kFilesBytes = 1024 * 1024;    // of all attachments of a message
const kDepth = 8;                   // of quotes, lists and emphasis in each other; what is deeper is text
const kColumns = 64;                // of a table
const kNumbers = ["temperature", "top_p", "min_p", "max_tokens", "seed"];
const byId = (id) => document.getElementById(id);

// A node: el("a", { href, class, onclick }, children or texts). Names of properties are ours, never the model's.
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const button = (label, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, label);
const plainNumber = (n) => Math.round(n).toLocaleString("en");
const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KiB`);
