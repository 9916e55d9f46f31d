/** The addresses of an environment, from config.json. None is secret: the site publishes the file. */
export type Configuration = Readonly<{
  api: string;
  assets: string;
  /** The API that allows uploads of avatars. */
  uploads: string;
  cognito: string;
  userPool: string;
  userPoolClient: string;
  /** The address to which browser traces are sent, or an empty text. */
  traces: string;
}>;

const NAMES = [
  "api",
  "assets",
  "uploads",
  "cognito",
  "userPool",
  "userPoolClient",
  "traces",
] as const;

let loading: Promise<Configuration> | null = null;

/** Read config.json, once for all callers. Throw an Error that lists the missing fields. */
export function loadConfiguration(): Promise<Configuration> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Configuration> {
  const response = await fetch("/config.json", { credentials: "same-origin" });
  if (!response.ok) {
    throw new Error(`config.json: status ${response.status}`);
  }
  return parseConfiguration(await response.json());
}

export function parseConfiguration(value: unknown): Configuration {
  const fields: Record<string, unknown> = typeof value === "object" && value ? { ...value } : {};
  const missing = NAMES.filter((name) => typeof fields[name] !== "string");
  if (missing.length > 0) {
    throw new Error(`config.json: ${missing.join(", ")} missing: run ./inv site.sync`);
  }
  return fields as Configuration;
}
