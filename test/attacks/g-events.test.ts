/**
 * G3, G6, G7 and C11: storage events, and events that others send in the storage's name.
 * Attack ids: docs/threat-model.md.
 */
import { execFile } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { WaybillError } from '../../src/protocol/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, partsOf, png, send, stagedKey, startApp } from './app.ts';

const secret = 'the secret that the storage was set up with';
const topic = 'arn:aws:sns:eu-west-1:123456789012:uploads';
const certificateUrl = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem';

function record(bucket: string, key: string, eventName = 'ObjectCreated:Put') {
  return { Records: [{ eventName, s3: { bucket: { name: bucket }, object: { key, size: png.length, eTag: 'x' } } }] };
}

forEachStore('storage events', (store) => {
  let app: App;
  const started: App[] = [];
  async function start(events: object, options: object = {}): Promise<App> {
    app = await startApp(store, { events, ...options } as never);
    started.push(app);
    return app;
  }
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
  });
  const asStorage = { 'x-user': '', authorization: `Bearer ${secret}` };
  const post = (body: unknown, headers: Record<string, string> = asStorage, path = '/events') =>
    app.call('POST', path, body, headers);
  const sendFile = async () => {
    const upload = await app.grant(png);
    expect((await send(upload.request, png)).status).toBeLessThan(300);
    return { upload, key: stagedKey(store, upload.request) };
  };

  it('G3 an event completes an upload without its client', async () => {
    await start({ secret });
    const { upload, key } = await sendFile();
    const answer = await post(record(store.bucket, key));
    expect([answer.status, answer.body]).toMatchObject([200, { received: 1, completed: 1, ignored: 0 }]);
    expect(app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
    expect((await app.complete(upload.grant)).status).toBe(200);
    expect(app.announced).toHaveLength(1);
  });

  it('G3 an event without the secret changes nothing', async () => {
    await start({ secret });
    const { key } = await sendFile();
    const wrong: [Record<string, string>, string?][] = [
      [{ 'x-user': 'alice' }],
      [{ authorization: 'Bearer ' }],
      [{ authorization: `Bearer ${secret}x` }],
      [{ authorization: `Basic ${Buffer.from('waybill:wrong').toString('base64')}` }],
      [{ 'x-waybill-events-secret': secret.slice(1) }],
      [{}, '/events?secret='],
      [{}, `/events?secret=${encodeURIComponent(secret.toUpperCase())}`],
    ];
    const exposed: string[] = [];
    for (const [headers, path] of wrong) {
      const answer = await post(record(store.bucket, key), headers, path);
      expect(answer.status).toBe(401);
      exposed.push(answer.text);
    }
    expect(app.announced).toEqual([]);
    for (const [headers, path] of [
      [{ authorization: `Basic ${Buffer.from(`waybill:${secret}`).toString('base64')}` }],
      [{ 'x-waybill-events-secret': secret }],
      [{ authorization: secret }],
      [{}, `/events?secret=${encodeURIComponent(secret)}`],
    ] as [Record<string, string>, string?][])
      expect((await post(record(store.bucket, key), headers, path)).status).toBe(200);
    expect(app.announced).toHaveLength(1);
    exposed.push(JSON.stringify(app.events));
    for (const text of exposed) expect(decodeURIComponent(text).toLowerCase()).not.toContain(secret.slice(1));
  });

  it('G3 POST /events answers 404 without the option events', async () => {
    const plain = await startApp(store);
    started.push(plain);
    expect((await plain.call('POST', '/events', record(store.bucket, 'x'), asStorage)).status).toBe(404);
  });

  it('G3 repeated, reordered and simultaneous events announce once', async () => {
    await start({ secret });
    const all = await Promise.all([sendFile(), sendFile(), sendFile()]);
    const events = all.flatMap(({ key }) => [record(store.bucket, key), record(store.bucket, key)]).reverse();
    const answers = await Promise.all(events.map((event) => post(event)));
    expect(answers.map(({ status }) => status)).toEqual(events.map(() => 200));
    for (const event of events) await post(event);
    const ids = app.announced.map(({ uploadId }) => uploadId).sort();
    expect(ids).toEqual(all.map(({ upload }) => upload.uploadId).sort());
  });

  it('G3 an event for an object that is missing, not granted, or not as granted completes nothing', async () => {
    await start({ secret });
    const upload = await app.grant(png);
    const missing = await post(record(store.bucket, stagedKey(store, upload.request)));
    expect([missing.status, missing.body]).toMatchObject([200, { completed: 0, ignored: 1 }]);
    const foreign = `incoming/${'e'.repeat(32)}`;
    await store.storage().put({ key: foreign, body: png, contentType: 'image/png' });
    expect((await post(record(store.bucket, foreign))).body).toMatchObject({ completed: 0 });
    const { key } = await sendFile();
    for (const event of [
      record('another-bucket', key),
      record(store.bucket, key, 'ObjectRemoved:Delete'),
      record(store.bucket, `files/alice/${key}`),
      record(store.bucket, `incoming/.waybill/${key.slice(9)}`),
      record(store.bucket, 'incoming/../files'),
      { Records: [] },
    ])
      expect((await post(event)).body).toMatchObject({ completed: 0 });
    expect(app.announced).toEqual([]);
  });

  it('G3 an event that fails temporarily answers 503 and completes when it is repeated', async () => {
    let busy = false;
    const storage = store.storage();
    const head: typeof storage.head = async (key) => {
      if (busy) throw new WaybillError('storage_unavailable', 'Busy.');
      return storage.head(key);
    };
    await start({ secret }, { storage: { ...storage, head } });
    const { key } = await sendFile();
    busy = true;
    const failed = await post(record(store.bucket, key));
    expect([failed.status, failed.headers['retry-after']]).toEqual([503, '1']);
    expect(app.events).toContainEqual(
      expect.objectContaining({ type: 'storage.event', received: 1, completed: 0, ignored: 0, failed: true }),
    );
    busy = false;
    expect((await post(record(store.bucket, key))).body).toMatchObject({ completed: 1 });
    expect(app.announced).toHaveLength(1);
  });

  it('G3 an event for a file that is rejected answers 200, and the file is deleted', async () => {
    await start({ secret });
    const html = Buffer.from('<!doctype html><script>alert(1)</script>');
    const upload = await app.grant(html, { contentType: 'image/png' });
    await send(upload.request, html);
    const key = stagedKey(store, upload.request);
    const answer = await post(record(store.bucket, key));
    expect([answer.status, answer.body]).toMatchObject([200, { completed: 0, rejected: 1 }]);
    expect(await store.storage().head(key)).toBeNull();
    expect(app.announced).toEqual([]);
  });

  it('G3 events during the completion of an upload in parts announce once', async () => {
    await start({ secret });
    const parts = partsOf(app);
    const bytes = pngOf(partSize + 10);
    const upload = await parts.begin(bytes, {}, 'large');
    await parts.send(upload.grant, bytes);
    const event = record(store.bucket, `incoming/${upload.uploadId}`, 'ObjectCreated:CompleteMultipartUpload');
    const answers = await Promise.all([post(event), app.complete(upload.grant), post(event)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post(event)).body).toMatchObject({ received: 1 });
    expect(app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
  });

  forEachLedger('ledger', (testLedger) => {
    it('G3 two events and the client announce once, and the quota is adjusted once', async () => {
      await start({ secret }, { ledger: await testLedger.open(), quota: { maxFiles: 1 } });
      const { upload, key } = await sendFile();
      const answers = await Promise.all([
        post(record(store.bucket, key)),
        app.complete(upload.grant),
        post(record(store.bucket, key)),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      await send(upload.request, png);
      expect((await post(record(store.bucket, key))).body).toMatchObject({ received: 1 });
      expect(app.announced).toHaveLength(1);
      expect(await app.uploads.usage('alice')).toMatchObject({
        storedFiles: 1,
        storedBytes: png.length,
        pendingFiles: 0,
      });
      // Where a quota counts, an empty object may stay until the request has expired (F4).
      expect((await store.storage().head(key))?.size ?? 0).toBe(0);
    });
  });

  it('G3 a malformed event is refused', async () => {
    await start({ secret });
    for (const body of ['', 'x', '{', '5', 'null', '[{}]', '{"Records":5}', '{"Records":[{"s3":{}}]}', '\ud800'])
      expect((await post(body)).status).toBe(400);
    expect((await post(`"${'x'.repeat(300_000)}"`)).status).toBe(413);
    expect(app.announced).toEqual([]);
  });

  it('G7 an event whose sender disconnects is not an error of the server', async () => {
    await start({ secret });
    const { hostname, port } = new URL(app.origin);
    for (const authorization of ['', `authorization: Bearer ${secret}\r\n`]) {
      app.events.length = 0;
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      const head = `POST /events HTTP/1.1\r\nhost: x\r\n${authorization}content-length: 1000\r\n\r\n{"a":`;
      await new Promise((resolve) => socket.write(head, resolve));
      const served = () => app.events.find((event) => (event as { type: string }).type === 'request.served');
      socket.destroy();
      await expect.poll(served).toMatchObject({ status: authorization === '' ? 401 : 400 });
    }
  });

  it('G7 events of unknown senders are reported and count against the limit of their address', async () => {
    const clientAddress = () => '192.0.2.7';
    await start({ secret }, { clientAddress, rateLimit: { perAddress: { points: 3, perSeconds: 60 } } });
    const wrongSecret = { 'x-user': '', authorization: 'Bearer wrong' };
    const statuses = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await post(record(store.bucket, 'x'), wrongSecret)).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect(app.events.filter((event) => (event as { type: string }).type === 'storage.event_refused')).toHaveLength(5);
    // Events of the storage are not limited.
    for (let n = 0; n < 5; n += 1) expect((await post(record(store.bucket, 'x'))).status).toBe(200);
  });

  it('C11 an event for an object that was stored again after completion restores nothing', async () => {
    await start({ secret });
    const { upload, key } = await sendFile();
    await app.complete(upload.grant);
    await send(upload.request, png);
    expect((await post(record(store.bucket, key))).body).toMatchObject({ received: 1 });
    expect(await store.storage().head(key)).toBeNull();
    expect(app.announced).toHaveLength(1);
  });
});

forEachStore(
  'SNS',
  (store) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    let certificate = '';
    const requested: string[] = [];
    let app: App;

    beforeAll(async () => {
      // openssl makes a certificate of the test's key, in the format of Amazon's.
      const dir = await mkdtemp(join(tmpdir(), 'waybill-sns-'));
      await writeFile(join(dir, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      const args = [
        'req',
        '-x509',
        '-new',
        '-key',
        join(dir, 'key.pem'),
        '-subj',
        '/CN=sns',
        '-days',
        '2',
        '-out',
        join(dir, 'c.pem'),
      ];
      await promisify(execFile)('openssl', args);
      certificate = await readFile(join(dir, 'c.pem'), 'utf8');
      await rm(dir, { recursive: true });
      const fakeAmazon = async (url: string | URL | Request) => {
        requested.push(String(url));
        return new Response(certificate);
      };
      app = await startApp(store, {
        events: { sns: { topicArns: [topic], fetch: fakeAmazon as typeof fetch } },
      } as never);
    });
    afterEach(() => {
      requested.length = 0;
      app.announced.length = 0;
    });
    afterAll(() => app.stop());

    function message(
      fields: Record<string, string> = {},
      key = privateKey,
      digest = 'RSA-SHA256',
    ): Record<string, string> {
      const all: Record<string, string> = {
        Type: 'Notification',
        MessageId: '1',
        TopicArn: topic,
        Message: '{}',
        Timestamp: new Date().toISOString(),
        SignatureVersion: digest === 'RSA-SHA1' ? '1' : '2',
        SigningCertURL: certificateUrl,
        ...fields,
      };
      const names =
        all.Type === 'Notification'
          ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
          : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
      const text = names.flatMap((name) => (all[name] === undefined ? [] : [`${name}\n${all[name]}\n`])).join('');
      return { ...all, Signature: createSign(digest).update(text).sign(key, 'base64') };
    }
    const post = (body: unknown) => app.call('POST', '/events', body, { 'content-type': 'text/plain; charset=UTF-8' });
    const sendFile = async () => {
      const upload = await app.grant(png);
      await send(upload.request, png);
      return JSON.stringify(record(store.bucket, stagedKey(store, upload.request)));
    };

    it.each(['RSA-SHA1', 'RSA-SHA256'])('G6 a message that SNS signed with %s completes the upload', async (digest) => {
      const answer = await post(
        message({ Message: await sendFile(), Subject: 'Amazon S3 Notification' }, privateKey, digest),
      );
      expect([answer.status, answer.body]).toMatchObject([200, { completed: 1 }]);
      expect(app.announced).toHaveLength(1);
    });

    it('G6 a message that SNS did not sign or that has another topic changes nothing', async () => {
      const Message = await sendFile();
      const good = message({ Message });
      for (const bad of [
        { ...good, Signature: '' },
        { ...good, Signature: 'AAAA' },
        { ...good, Message: `${Message} ` },
        { ...good, SignatureVersion: '1' },
        { ...good, SignatureVersion: 'constructor' },
        { ...good, Timestamp: 'another' },
        message({ Message }, other),
        message({ Message, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:uploads' }),
        JSON.parse(Message),
      ])
        expect([401, 403]).toContain((await post(bad)).status);
      expect(app.announced).toEqual([]);
      expect((await post(good)).status).toBe(200);
    });

    it.each([
      'http://sns.eu-west-1.amazonaws.com/c.pem',
      'https://sns.eu-west-1.amazonaws.com.evil.example/c.pem',
      'https://evil.example/sns.eu-west-1.amazonaws.com/c.pem',
      'https://sns.eu-west-1.amazonaws.com@evil.example/c.pem',
      'https://user@sns.eu-west-1.amazonaws.com/c.pem',
      'https://sns.eu-west-1.amazonaws.com:8443/c.pem',
      'https://s3.amazonaws.com/evil/c.pem',
      // Anyone may own the bucket named sns.
      'https://sns.s3.amazonaws.com/c.pem',
      'https://sns.s3-eu-west-1.amazonaws.com/c.pem',
      'https://sns.us-east-1.amazonaws.com/c.pem',
      'https://sns.eu-west-1.amazonaws.com/c.pem?x=y',
      'https://127.0.0.1/c.pem',
      'file:///etc/passwd.pem',
      'x',
    ])('G6 no certificate is fetched from %s', async (SigningCertURL) => {
      expect((await post(message({ Message: await sendFile(), SigningCertURL }))).status).toBe(403);
      expect(requested).toEqual([]);
    });

    it('G7 forged messages cause at most ten requests a minute, and messages of SNS still work', async () => {
      const requested: string[] = [];
      let clock = Date.now();
      const fakeAmazon = async (url: string | URL | Request) => {
        requested.push(String(url));
        return String(url) === certificateUrl ? new Response(certificate) : new Response('', { status: 403 });
      };
      const attacked = await startApp(store, {
        events: { sns: { topicArns: [topic], fetch: fakeAmazon as typeof fetch } },
        now: () => clock,
      } as never);
      const post = (body: unknown) => attacked.call('POST', '/events', body, { 'content-type': 'text/plain' });
      const forged = (n: number) =>
        message({ SigningCertURL: `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${n}.pem` }, other);
      try {
        const good = message({ Message: JSON.stringify({ Records: [] }) });
        expect((await post(good)).status).toBe(200);
        // Another topic is refused before its certificate is fetched.
        const foreign = 'arn:aws:sns:eu-west-1:999999999999:uploads';
        for (let n = 0; n < 20; n += 1)
          expect((await post({ ...forged(1000 + n), TopicArn: foreign })).status).toBe(403);
        expect(requested).toEqual([certificateUrl]);
        const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => post(forged(100 + n))));
        expect(requested.length).toBeLessThanOrEqual(10);
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503, 429]));
        expect((await post(good)).status).toBe(200);
        clock += 60_000;
        await post(forged(2000));
        expect(requested.length).toBeLessThanOrEqual(11);
      } finally {
        await attacked.stop();
      }
    });

    it('G6 a subscription is confirmed only at Amazon and only for a configured topic', async () => {
      const SubscribeURL = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x';
      const confirmation = { Type: 'SubscriptionConfirmation', Token: 'x', Message: 'You have chosen to subscribe' };
      for (const bad of [
        message({ ...confirmation, SubscribeURL: 'https://evil.example/?Action=ConfirmSubscription' }),
        message({ ...confirmation, SubscribeURL: 'http://169.254.169.254/latest/meta-data/' }),
        message({ ...confirmation, SubscribeURL, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:uploads' }),
        { ...message({ ...confirmation, SubscribeURL }), Token: 'y' },
      ])
        expect((await post(bad)).status).toBe(403);
      expect(requested.filter((url) => url !== certificateUrl)).toEqual([]);
      const answer = await post(message({ ...confirmation, SubscribeURL }));
      expect([answer.status, answer.body]).toEqual([200, { confirmed: true }]);
      expect(requested).toContain(SubscribeURL);
    });
  },
  { only: ['devstore'] },
);
