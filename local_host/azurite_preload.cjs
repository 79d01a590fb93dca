// Loaded before Azurite.
const Module = require("module");
const path = require("path");

// Stops it when the pipe to the process that started it closes, even after a SIGKILL.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();

// Two thirds of the time of a start go into what is of no use here: the library of its telemetry, which is off, and that of
// databases, in which it keeps nothing unless AZURITE_DB names one. Classes of its own stand on Model as they are loaded.
const unused = { applicationinsights: {}, ...(process.env.AZURITE_DB ? {} : { sequelize: { Model: class {} } }) };
const load = Module._load;
Module._load = (request, ...others) => unused[request] ?? load(request, ...others);

// Lists names that XML cannot hold as Azure does, percent-encoded. Azurite itself answers 500 from the first such blob on.
const xml = require(path.join(path.dirname(process.argv[1]), "blob", "generated", "utils", "xml.js"));
const write = xml.stringifyXML;
const noXml = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

xml.stringifyXML = (content, options) => {
  const blobs = content && content.Blobs;
  for (const listed of blobs ? [].concat(blobs.Blob || [], blobs.BlobPrefix || []) : []) {
    if (typeof listed.Name === "string" && noXml.test(listed.Name)) {
      listed.Name = { $: { Encoded: "true" }, _: encodeURIComponent(listed.Name) };
    }
  }
  return write(content, options);
};
