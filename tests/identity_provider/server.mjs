// A real OpenID provider (panva's oidc-provider) for the end-to-end tests of the token filter.
//
// Usage: node server.mjs FOLDER NAME, where FOLDER has the node_modules of package.json and NAME is
// the URL of an issuer, or the host of one with the port that it happens to get. Prints {"port": N}
// once it listens. Each line on standard input is a command, each answered by a line {"done": …}:
//
//   {"rotate": true}    new keys, which sign from now on; the old ones stay published
//   {"retire": true}    only the newest keys stay published
//   {"clock": SECONDS}  the clock is wrong by so many seconds
//
// A client-credentials grant for the resource https://AUDIENCE.test/ALG gives a JWT signed with ALG.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, name] = process.argv.slice(2);
const { resolve } = createRequire(path.join(path.resolve(folder), 'package.json'));
const { Provider } = await import(pathToFileURL(resolve('oidc-provider')));

// How node makes the keys of each algorithm.
const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};
// What is in `groups` of the tokens of each client.
const CLIENTS = {
  'order-service': [],
  'web-shop': ['customers'],
  'refunds-desk': ['staff', 'refunds-desk'],
};
const LIFETIME_S = 600;

const systemNow = Date.now;
let keys = newKeys();
let handle;

function newKeys() {
  return Object.entries(KEYS).map(([alg, [type, options]]) => {
    const { privateKey } = generateKeyPairSync(type, options);
    return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${randomUUID()}` };
  });
}

// A provider takes its keys once, so other keys make another provider, of the same issuer.
function publish(issuer) {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: Object.keys(CLIENTS).map((client_id) => ({
      client_id,
      client_secret: 'a-secret-of-the-tests',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    extraTokenClaims: (_, { clientId }) => ({ groups: CLIENTS[clientId] }),
    scopes: ['read', 'write'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'read write',
          audience: new URL(resource).hostname.split('.')[0],
          accessTokenTTL: LIFETIME_S,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: new URL(resource).pathname.slice(1) } },
        }),
      },
    },
  });
  handle = provider.callback();
}

const server = createServer((request, response) => handle(request, response));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();
const issuer = name.includes('://') ? name : `http://${name}:${port}`;
publish(issuer);
console.log(JSON.stringify({ port }));

const COMMANDS = {
  rotate: () => { keys = [...newKeys(), ...keys]; },
  retire: () => { keys = keys.slice(0, Object.keys(KEYS).length); },
  clock: (seconds) => { Date.now = () => systemNow() + seconds * 1000; },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[name, argument]] = Object.entries(JSON.parse(line));
  COMMANDS[name](argument);
  publish(issuer);
  console.log(JSON.stringify({ done: name }));
}
// Whoever started this is gone.
process.exit(0);
