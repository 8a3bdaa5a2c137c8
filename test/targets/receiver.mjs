// A receiver in JavaScript. It prints a line of JSON for each request.
//
//   node receiver.mjs webhook PORT SECRET   checks the signature with the Standard Webhooks library
//   node receiver.mjs cloudevents PORT      reads the event with the CloudEvents SDK
//   node receiver.mjs sqsd PORT             a worker app of Elastic Beanstalk, in Express
//   node receiver.mjs oidc PORT LIFE        an OAuth2 server: oidc-provider; DELETE /tokens revokes all; DELETE /endpoint
//                                           takes its token endpoint away, PUT /endpoint brings it back
import http from 'node:http';

const [mode, port, argument] = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function serve(judge) {
  http.createServer(async (request, response) => {
    const body = await bodyOf(request);
    let status = 204;
    try {
      say(await judge(request, body));
    } catch (error) {
      say({ error: String(error) });
      status = 400;
    }
    response.writeHead(status).end();
  }).listen(port, '127.0.0.1');
}

if (mode === 'webhook') {
  const { Webhook } = await import('standardwebhooks');
  const webhook = new Webhook(argument);
  serve((request, body) => {
    webhook.verify(body, request.headers);
    return { id: request.headers['webhook-id'], body };
  });
} else if (mode === 'cloudevents') {
  const { HTTP } = await import('cloudevents');
  serve((request, body) => HTTP.toEvent({ headers: request.headers, body })); // of a batch: a list
} else if (mode === 'sqsd') {
  const { default: express } = await import('express');
  const app = express();
  app.use(express.json());
  app.post(/.*/, (request, response) => {
    say({
      path: request.path,
      agent: request.get('User-Agent'),
      id: request.get('X-Aws-Sqsd-Msgid'),
      queue: request.get('X-Aws-Sqsd-Queue'),
      first: request.get('X-Aws-Sqsd-First-Received-At'),
      count: request.get('X-Aws-Sqsd-Receive-Count'),
      tenant: request.get('X-Aws-Sqsd-Attr-tenant'),
      sender: request.get('X-Aws-Sqsd-Sender-Id'),
      body: request.body,
    });
    response.status(200).end();
  });
  app.listen(Number(port), '127.0.0.1');
} else if (mode === 'oidc') {
  const { default: Provider } = await import('oidc-provider');
  let tokens = new Set();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: 'poller', client_secret: 'hunter2-and-more-of-it', grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [], scope: 'orders.write',
    }],
    scopes: ['orders.write'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ttl: { ClientCredentials: Number(argument) },
  });
  provider.on('client_credentials.saved', (token) => { tokens.add(token.jti); say({ fetched: tokens.size, scope: token.scope, token: token.jti }); });
  const oidc = provider.callback();
  let away = false;
  http.createServer(async (request, response) => {
    if (request.url === '/orders') { // the target
      await bodyOf(request);
      const value = (request.headers.authorization ?? '').replace('Bearer ', '');
      const known = await provider.ClientCredentials.find(value);
      const valid = known !== undefined && known.isValid && tokens.has(known.jti);
      say({ delivered: valid, id: request.headers['x-poller-message-id'], receives: Number(request.headers['x-poller-receive-count']) });
      response.writeHead(valid ? 204 : 401).end();
    } else if (request.url === '/tokens') {
      tokens = new Set();
      say({ revoked: true });
      response.writeHead(204).end();
    } else if (request.url === '/endpoint') {
      away = request.method === 'DELETE';
      say({ away });
      response.writeHead(204).end();
    } else if (away) {
      say({ refused: true });
      request.socket.destroy();
    } else {
      oidc(request, response);
    }
  }).listen(port, '127.0.0.1');
}
