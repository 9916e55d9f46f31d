// Verify a token TIMES times: node verify.js INPUT TIMES [BASE]. See bench_authorizer.py.
const { readFileSync } = require("fs");
const { CognitoJwtVerifier } = require("aws-jwt-verify");
const { SimpleFetcher } = require("aws-jwt-verify/https");
const { SimpleJwksCache } = require("aws-jwt-verify/jwk");

const [, , input, times, base] = process.argv;
const { pool, client, token, jwks } = JSON.parse(readFileSync(input, "utf-8"));
const properties = { userPoolId: pool, clientId: client, tokenUse: "access" };

async function verifyWithFetchedKeys() {
  const https = new SimpleFetcher();
  const fetcher = { fetch: (uri, ...more) => https.fetch(base + new URL(uri).pathname, ...more) };
  const jwksCache = new SimpleJwksCache({ fetcher });
  await CognitoJwtVerifier.create(properties, { jwksCache }).verify(token);
}

function verifyWithKnownKeys() {
  const verifier = CognitoJwtVerifier.create(properties);
  verifier.cacheJwks(jwks);
  for (let time = 0; time < times; time++) verifier.verifySync(token);
}

if (base) verifyWithFetchedKeys();
else verifyWithKnownKeys();
