// The published files: the manifest, and the objects that it names.

export class SiteError extends Error {
  /** kind: "unreachable" (no answer), "damaged" (an answer that cannot be read), "gone" (no such file). */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

async function get(name, options) {
  let answer;
  try {
    answer = await fetch(name, options);
  } catch (error) {
    throw new SiteError("unreachable", `${name}: ${error.message}`);
  }
  if (answer.status === 404) throw new SiteError("gone", `${name}: 404`);
  if (!answer.ok) throw new SiteError("unreachable", `${name}: ${answer.status}`);
  return answer;
}

async function read(answer, name, how) {
  try {
    return await answer[how]();
  } catch (error) {
    throw new SiteError(error instanceof SyntaxError ? "damaged" : "unreachable", `${name}: ${error.message}`);
  }
}

/** The manifest as it is now. */
export async function readManifest() {
  const name = "manifest.json";
  const manifest = await read(await get(name, { cache: "no-cache" }), name, "json");
  if (manifest?.version !== 1 || !Array.isArray(manifest.objects) || !Array.isArray(manifest.twins)) {
    throw new SiteError("damaged", `${name}: not a manifest of version 1`);
  }
  return manifest;
}

export const readJson = async (name) => read(await get(name), name, "json");
export const readBytes = async (name) => read(await get(name), name, "arrayBuffer");

export const objectsOf = (manifest, kind) => manifest.objects.filter((each) => each.kind === kind);
