import createClient, { type Client } from "openapi-fetch";
import type { Configuration } from "../configuration.ts";
import type { components, paths } from "./schema.d.ts";
import type { Send } from "./transport.ts";

type Schemas = components["schemas"];
export type Post = Schemas["Post"];
export type Profile = Schemas["Profile"];
export type OwnProfile = Schemas["OwnProfile"];
export type Message = Schemas["Message"];
export type MessageGroup = Schemas["MessageGroup"];
export type Reactions = Schemas["Reactions"];
export type Lifetime = Schemas["NewPost"]["ttl"];
export type Notification = Schemas["NotificationPage"]["items"][number];

export type Api = Client<paths>;

/** Return the client whose types come from the API's OpenAPI document. */
export function createApi(configuration: Pick<Configuration, "api">, send: Send): Api {
  return createClient<paths>({ baseUrl: configuration.api, fetch: send });
}

/** Return the body of a response. The transport has already thrown for every error. */
export async function body<T>(response: Promise<{ data?: T }>): Promise<T> {
  const { data } = await response;
  if (data === undefined) {
    throw new Error("a response without a body");
  }
  return data;
}
