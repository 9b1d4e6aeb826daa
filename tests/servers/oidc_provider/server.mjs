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
//
// The grant of RFC 7523 is ours: the provider lets one add grants, but brings none for assertions.
// Its clients sign with the keys they are registered with. At /token they authenticate as every
// client does; at /service/token the issuer of the assertion is the client, and nothing else is
// asked, as the token endpoints for service accounts do (RFC 7523 3.1: authentication is optional).
import * as crypto from 'node:crypto';
import * as http from 'node:http';
import { promisify } from 'node:util';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { Provider, errors } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ASYMMETRIC = [
  ...['RS', 'PS', 'ES'].flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`)),
  'EdDSA', 'Ed25519',
];
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
  const made = new Provider(issuer, {
    adapter,
    clients,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      clientAuthSigningAlgValues: ['HS256', 'HS384', 'HS512', ...ASYMMETRIC],
    },
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
    ],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'jobs'],
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
    ttl: {
      AccessToken: () => settings.accessTokenTTL,
      ClientCredentials: () => settings.accessTokenTTL,
      RefreshToken: 3600,
      IdToken: 3600,
    },
    // The provider asks no address of this machine, as a rule; its clients here have no other.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
    },
  });
  made.registerGrantType(JWT_BEARER, jwtBearer, ['assertion', 'scope']);
  return made;
}

// RFC 7523 3: issued for the provider, by a client, about a user; not over; used once.
async function verifiedAssertion(assertion, client) {
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(client.jwks), {
      issuer: client.clientId,
      audience: [issuer, `${issuer}/token`, `${issuer}/service/token`],
      algorithms: ASYMMETRIC,
      requiredClaims: ['exp'],
    });
    if (typeof payload.sub !== 'string') throw new TypeError('sub has to be text');
    return payload;
  } catch (cause) {
    throw new errors.InvalidGrant('the assertion does not verify', undefined, { cause });
  }
}

async function jwtBearer(ctx) {
  const { client, params: { assertion, scope } } = ctx.oidc;
  const { AccessToken, Grant, ReplayDetection } = ctx.oidc.provider;
  const { sub, iss, jti, exp } = await verifiedAssertion(assertion, client);
  if (jti !== undefined && !(await ReplayDetection.unique(iss, jti, exp))) {
    throw new errors.InvalidGrant('the assertion was used before');
  }
  const grant = new Grant({ accountId: sub, clientId: client.clientId });
  grant.addOIDCScope(scope ?? '');
  const grantId = await grant.save();
  const token = new AccessToken({ accountId: sub, client, grantId, gty: JWT_BEARER, scope });
  const value = await token.save();
  ctx.body = { access_token: value, token_type: 'Bearer', expires_in: token.expiration, scope };
}

// Adds the issuer of the assertion as `client_id`; what cannot be read is for the grant to refuse.
async function nameClient(request) {
  const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
  try {
    form.set('client_id', decodeJwt(form.get('assertion')).iss ?? '');
  } catch { /* no JWT: no client */ }
  request.body = form.toString();
  request.url = '/token';
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
  if (pathname === '/service/token') await nameClient(request);
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
