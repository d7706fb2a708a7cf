// Starts the module outside a page, as Node does: its bytes, no imports.

import { readFileSync } from "node:fs";

/** A function from a request to the bytes of its answer. */
export async function start(path) {
  const { instance } = await WebAssembly.instantiate(readFileSync(path), {});
  const { alloc, answer, answer_length: answerLength, memory } = instance.exports;
  return (request) => {
    const text = new TextEncoder().encode(JSON.stringify(request));
    const place = alloc(text.length);
    new Uint8Array(memory.buffer, place, text.length).set(text);
    const at = answer(place, text.length);
    return Buffer.from(memory.buffer, at, answerLength()).toString("utf8");
  };
}
