// A real OpenID provider for the tests: the certified `oidc-provider`, on a free loopback port.
//
// CLIENTS in the environment holds the registered clients as a JSON array of client metadata.
// When it listens it prints one line of JSON, {"issuer": ...}.
//
// Beside the protocol there is a remote control for the test that started it:
//   POST /admin/rotate    {"keep_old": true}  new signing keys, first in the set
//   POST /admin/settings  {...}               change `settings`; {} only reads them
//   POST /admin/reset                         settings as at the start, empty log
//   POST /admin/clients   [{...}]             add or replace clients
//   GET  /admin/log                           the requests seen, oldest first
import * as crypto from 'node:crypto';
import * as http from 'node:http';
import { promisify } from 'node:util';
import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const generateKeyPair = promisify(crypto.generateKeyPair);

const DEFAULTS = {
  accessTokenTTL: 3600,
  rotateRefreshToken: true, // a spent refresh token that comes back revokes the whole family
  requirePkce: true,
  idTokenClaims: false, // scope claims in the ID token as well, not only at userinfo
};
const settings = { ...DEFAULTS };
const clients = JSON.parse(process.env.CLIENTS ?? '[]');
const log = [];

// What has to outlive the Provider object, which is made anew whenever a setting changes.
const adapter = createMemoryAdapter(0);
const cookieKeys = [crypto.randomBytes(16).toString('hex')];
let keys = await newKeys();
let issuer;
let provider;

async function newKeys() {
  const suffix = crypto.randomBytes(4).toString('hex');
  const jwk = async (name, type, options) => {
    const { privateKey } = await generateKeyPair(type, options);
    return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: `${name}-${suffix}` };
  };
  return Promise.all([
    jwk('rsa', 'rsa', { modulusLength: 2048 }),
    jwk('p256', 'ec', { namedCurve: 'P-256' }),
    jwk('p384', 'ec', { namedCurve: 'P-384' }),
    jwk('ed25519', 'ed25519', {}),
  ]);
}

function account(id) {
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      name: `${id[0].toUpperCase()}${id.slice(1)} Example`,
      preferred_username: id,
      locale: 'en',
      updated_at: 1700000000,
      email: `${id}@example.com`,
      email_verified: true,
    }),
  };
}

function makeProvider() {
  const algorithms = ['HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
  return new Provider(issuer, {
    adapter,
    clients,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    enabledJWA: { idTokenSigningAlgValues: algorithms, userinfoSigningAlgValues: algorithms },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'locale', 'updated_at'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: !settings.idTokenClaims,
    findAccount: (_, id) => account(id),
    pkce: { required: () => settings.requirePkce },
    rotateRefreshToken: () => settings.rotateRefreshToken,
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    ttl: { AccessToken: () => settings.accessTokenTTL, RefreshToken: 3600, IdToken: 3600 },
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      clientCredentials: { enabled: true },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true },
    },
  });
}

async function rotate({ keep_old: keepOld = true }) {
  const fresh = await newKeys();
  keys = keepOld ? [...fresh, ...keys] : fresh;
  return keys.map((key) => key.kid);
}

function putClients(added) {
  for (const client of added) {
    const place = clients.findIndex((known) => known.client_id === client.client_id);
    clients.splice(place < 0 ? clients.length : place, 1, client);
  }
}

const remoteControl = {
  'POST /admin/rotate': async (body) => ({ kids: await rotate(body) }),
  'POST /admin/settings': (body) => Object.assign(settings, body),
  'POST /admin/reset': () => { log.length = 0; return Object.assign(settings, DEFAULTS); },
  'POST /admin/clients': (body) => putClients(body),
  'GET /admin/log': () => log,
};

async function control(request, response, action) {
  const chunks = await request.toArray();
  const answer = await action(JSON.parse(Buffer.concat(chunks).toString() || '{}'));
  if (request.method === 'POST') provider = makeProvider();
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ?? {}));
}

async function serve(request, response) {
  const { pathname, search } = new URL(request.url, issuer);
  const action = remoteControl[`${request.method} ${pathname}`];
  if (action) return control(request, response, action);
  const { authorization } = request.headers;
  log.push({ method: request.method, path: pathname, query: search, authorization });
  return provider.callback()(request, response);
}

const server = http.createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500);
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  provider = makeProvider();
  console.log(JSON.stringify({ issuer }));
});
