// An older `oidc-provider`, for what the current one no longer does: front-channel logout. It
// listens on a free loopback port.
//
// CLIENTS in the environment holds the registered clients as a JSON array of client metadata.
// When it listens it prints one line of JSON, {"issuer": ...}. Any user name logs in, with any
// password; it becomes the `sub`.
const http = require('http');
const { Provider } = require('oidc-provider');

function makeProvider(issuer) {
  return new Provider(issuer, {
    clients: JSON.parse(process.env.CLIENTS),
    cookies: { keys: ['only for tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      frontchannelLogout: { enabled: true, ack: 'draft-04' },
    },
  });
}

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', makeProvider(issuer).callback);
  console.log(JSON.stringify({ issuer }));
});
