// The types of client.js, which is built from there. For who checks the scripts; no browser gets it.
export * from "../../../../clients/js/src/index.js";
