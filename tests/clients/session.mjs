// What every session shares: the server's address, modules installed elsewhere, and checks.
import { createRequire } from "node:module";
import path from "node:path";

export const address = process.env.LONGHAND_ADDRESS;
export const load = createRequire(path.join(process.env.LONGHAND_CLIENTS, "x.js"));
export const question = "What is the capital of Peru?";
export const answer = "The capital of Peru is Lima.";
export const tool = {
  name: "weather",
  description: "Tells the weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string", maxLength: 12 }, unit: { enum: ["C", "F"] } },
    required: ["city", "unit"],
    additionalProperties: false,
  },
};

export function equal(got, wanted, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, must be ${b}`);
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

export async function refused(promise, status, what) {
  try {
    await promise;
  } catch (error) {
    return equal(error.status ?? error.status_code, status, what);
  }
  throw new Error(`${what}: was not refused`);
}

// Arguments of a call as the schema has them.
export function checkWeather(given, what) {
  const value = typeof given === "string" ? JSON.parse(given) : given;
  check(typeof value.city === "string" && value.city.length <= 12, `${what}: city`);
  check(["C", "F"].includes(value.unit), `${what}: unit`);
  equal(Object.keys(value).sort(), ["city", "unit"], what);
}
