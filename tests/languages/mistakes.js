// Programs that sign wrongly, as people write them for Node. One JSON object a line: see generate.py.
'use strict';
const crypto = require('crypto');
const querystring = require('querystring');
const util = require('util');
const L = 'your_api_key_here', M = '07349e954831d', J = 'mySecret';

function tell(name, vendor, params, signature, key) {
  const line = Number(new Error().stack.split('\n')[2].match(/:(\d+):\d+\)?$/)[1]);
  const pairs = Object.entries(params).flatMap(([n, v]) => [v].flat().map((one) => [n, String(one)]));
  console.log(JSON.stringify({name, vendor, line, params: pairs, signature, ...(key === undefined ? {} : {key})}));
}
const hash = (algorithm, text) => crypto.createHash(algorithm).update(text).digest('hex');
const md5 = (text) => hash('md5', text), sha1 = (text) => hash('sha1', text);
const sorted = (p) => Object.keys(p).sort().map((name) => p[name]);
const light = (p, key = L) => md5(sorted(p).join('') + key);
const main = (p, key = M) => md5(sha1([...sorted(p), key].join(';')));
const text = (p) => p.appId + p.msisdn + p.message + [p['recipient[]']].flat().join('') + p.rand;
const turk = (p, key = J) => crypto.createHmac('sha1', key).update(text(p)).digest('hex');
const each = (f, p) => Object.fromEntries(Object.entries(p).map(([n, v]) => [n, f(v)]));

const LIGHT = {login: 'YourLogin', timestamp: '1732809600', phone: '37061234567,37061234568', sender: 'My Shop', text: 'Labas, žmogau! (1*2)', return: 'json'};
const MAIN = {project: 'mainsms', sender: 'My Shop', message: 'Привет, мир 👍', recipients: '89121231234,89121231235', test: '1'};
const TURK = {appId: '1', msisdn: '5321000000', message: 'Günaydın şef', 'recipient[]': ['5322000000', '5323000000'], rand: '1331024400'};

// correct programs
tell('', 'lightsms', LIGHT, light(LIGHT));
tell('', 'payforsms', MAIN, main(MAIN));
tell('', 'mesajlarim', TURK, turk(TURK));

// order
const MANY = {timestamp: '1732809600', login: 'YourLogin', text_b: 'a', textA: 'b', 'text-c': 'c', Sender: 'd', return: 'json', phone: '370', test: '0', base: '7', lang: 'lt', x10: 'ten', x9: 'nine'};
tell('unsorted', 'lightsms', MANY, md5(Object.values(MANY).join('') + L));
tell('reversed', 'lightsms', MANY, md5(Object.keys(MANY).sort().reverse().map((n) => MANY[n]).join('') + L));
tell('sorted-by-locale', 'lightsms', MANY, md5(Object.keys(MANY).sort((a, b) => a.localeCompare(b)).map((n) => MANY[n]).join('') + L));
tell('sorted-by-locale', 'lightsms', MANY, md5(Object.keys(MANY).sort((a, b) => a.toLowerCase() < b.toLowerCase() ? -1 : 1).map((n) => MANY[n]).join('') + L));
tell('sorted-by-locale', 'lightsms', MANY, md5(Object.keys(MANY).sort(new Intl.Collator('en', {numeric: true}).compare).map((n) => MANY[n]).join('') + L));
tell('sorted-by-value', 'lightsms', MANY, md5(Object.values(MANY).sort().join('') + L));
tell('sorted-by-value', 'lightsms', MANY, md5(Object.entries(MANY).sort((a, b) => a[1].localeCompare(b[1])).map((e) => e[1]).join('') + L));

// names, queries, documents
tell('query-signed', 'lightsms', LIGHT, md5(new URLSearchParams(LIGHT).toString() + L));
tell('query-signed', 'lightsms', LIGHT, md5(querystring.stringify(LIGHT) + L));
tell('query-signed', 'lightsms', LIGHT, md5(new URLSearchParams(Object.entries(LIGHT).sort()).toString() + L));
tell('names-included', 'lightsms', LIGHT, md5(Object.keys(LIGHT).sort().map((n) => `${n}=${LIGHT[n]}`).join('&') + L));
tell('names-included', 'lightsms', LIGHT, md5(Object.entries(LIGHT).sort().join('') + L));
tell('names-included', 'lightsms', LIGHT, md5(Object.entries(LIGHT).sort().flat().join('') + L));
tell('json-signed', 'lightsms', LIGHT, md5(JSON.stringify(LIGHT) + L));
tell('json-signed', 'payforsms', MAIN, md5(sha1(JSON.stringify(MAIN) + ';' + M)));
tell('json-signed', 'lightsms', LIGHT, md5(JSON.stringify(LIGHT, null, 2) + L));
tell('json-signed', 'lightsms', LIGHT, md5(JSON.stringify(LIGHT, Object.keys(LIGHT).sort()) + L));
tell('json-signed', 'mesajlarim', TURK, crypto.createHmac('sha1', J).update(JSON.stringify(TURK)).digest('hex'));
tell('map-printed', 'lightsms', LIGHT, md5(LIGHT + L));
tell('separator-other', 'lightsms', LIGHT, md5(sorted(LIGHT) + L));
tell('separator-other', 'lightsms', LIGHT, md5([...sorted(LIGHT), L].toString()));

// values
tell('percent-encoded', 'lightsms', LIGHT, light(each(encodeURIComponent, LIGHT)));
tell('percent-encoded', 'payforsms', MAIN, main(each(encodeURI, MAIN)));
tell('percent-encoded', 'payforsms', MAIN, main(each(querystring.escape, MAIN)));
tell('percent-encoded', 'payforsms', MAIN, main(each(escape, MAIN)));
tell('percent-encoded-twice', 'payforsms', MAIN, main(each((v) => encodeURIComponent(encodeURIComponent(v)), MAIN)));
tell('quoted', 'lightsms', LIGHT, light({...LIGHT, text: JSON.stringify(LIGHT.text)}));
tell('quoted', 'lightsms', LIGHT, light({...LIGHT, text: util.inspect(LIGHT.text)}));
tell('list-joined', 'lightsms', LIGHT, light({...LIGHT, phone: JSON.stringify(LIGHT.phone.split(','))}));
tell('list-joined', 'lightsms', LIGHT, light({...LIGHT, phone: util.inspect(LIGHT.phone.split(','))}));
tell('list-joined', 'lightsms', LIGHT, light({...LIGHT, phone: JSON.stringify(LIGHT.phone.split(',').map(Number))}));
tell('list-joined', 'mesajlarim', TURK, crypto.createHmac('sha1', J).update(TURK.appId + TURK.msisdn + TURK.message + TURK['recipient[]'] + TURK.rand).digest('hex'));
tell('absent-as-word', 'payforsms', {project: 'mainsms', message: 'x', recipients: '89121231234'}, main({project: 'mainsms', message: 'x', recipients: '89121231234', sender: `${undefined}`}));
tell('absent-as-word', 'payforsms', {project: 'mainsms', message: 'x', recipients: '89121231234'}, main({project: 'mainsms', message: 'x', recipients: '89121231234', test: `${NaN}`}));
tell('absent-as-word', 'mesajlarim', {appId: '1', msisdn: '5321000000', rand: '7'}, crypto.createHmac('sha1', J).update('1' + '5321000000' + undefined + '7').digest('hex'));
tell('boolean-as-word', 'payforsms', MAIN, main({...MAIN, test: true}));
tell('empty-as-word', 'payforsms', {...MAIN, sender: ''}, main({...MAIN, sender: String(null)}));
tell('stamp-unit', 'lightsms', LIGHT, light({...LIGHT, timestamp: 1732809600123}));
tell('stamp-unit', 'lightsms', LIGHT, light({...LIGHT, timestamp: 1732809600123 / 1000}));
tell('stamp-unit', 'lightsms', {...LIGHT, timestamp: 1732809600123}, light({...LIGHT, timestamp: Math.floor(1732809600123 / 1000)}));
tell('stamp-unit', 'lightsms', {...LIGHT, timestamp: 1732809600.123}, light(LIGHT));
tell('stamp-format', 'lightsms', LIGHT, light({...LIGHT, timestamp: new Date(1732809600000).toISOString()}));
tell('stamp-format', 'lightsms', {...LIGHT, timestamp: new Date(1732809600000).toISOString()}, light(LIGHT));
tell('stamp-format', 'lightsms', LIGHT, light({...LIGHT, timestamp: new Date(1732809600000).toUTCString()}));
tell('stamp-local-time', 'lightsms', LIGHT, light({...LIGHT, timestamp: 1732809600 - (-180) * 60}));
tell('time-format', 'payforsms', {...MAIN, run_at: '15.01.2031 10:00'}, main({...MAIN, run_at: new Date(Date.UTC(2031, 0, 15, 10)).toISOString()}));
tell('time-format', 'payforsms', {...MAIN, run_at: '15.01.2031 10:00'}, main({...MAIN, run_at: Date.UTC(2031, 0, 15, 10)}));
tell('number-printed', 'lightsms', {...LIGHT, phone: '37061234567'}, light({...LIGHT, phone: 37061234567 | 0}));
tell('number-printed', 'lightsms', {...LIGHT, phone: '37061234567'}, light({...LIGHT, phone: (37061234567).toLocaleString('en-US')}));
tell('number-printed', 'lightsms', {...LIGHT, phone: '37061234567'}, light({...LIGHT, phone: (37061234567).toExponential()}));
tell('number-printed', 'lightsms', {...LIGHT, phone: '37061234567'}, light({...LIGHT, phone: (37061234567).toFixed(2)}));
tell('typography', 'lightsms', {...LIGHT, text: 'It’s “5” – see…'}, light({...LIGHT, text: 'It’s “5” – see…'.replace(/’/g, "'").replace(/[“”]/g, '"').replace(/–/g, '-').replace(/…/g, '...')}));
tell('typography', 'lightsms', {...LIGHT, text: 'It’s 5'}, light({...LIGHT, text: 'It’s 5'.replace(/’/g, "'")}));
tell('invisible', 'lightsms', {...LIGHT, text: 'a\u00a0b'}, light({...LIGHT, text: 'a\u00a0b'.replace(/\s/g, ' ')}));
tell('invisible', 'lightsms', {...LIGHT, text: 'zero\u200bwidth'}, light({...LIGHT, text: 'zero\u200bwidth'.replace(/[\u200b-\u200d\ufeff]/g, '')}));
tell('characters-lost', 'payforsms', MAIN, main({...MAIN, message: MAIN.message.replace(/\p{Extended_Pictographic}/gu, '')}));
tell('nfd', 'lightsms', LIGHT, light({...LIGHT, text: LIGHT.text.normalize('NFD')}));
tell('characters-lost', 'lightsms', LIGHT, light({...LIGHT, text: LIGHT.text.normalize('NFD').replace(/[\u0300-\u036f]/g, '')}));
tell('trimmed', 'lightsms', {...LIGHT, text: '  two  words '}, light({...LIGHT, text: '  two  words '.trim()}));
tell('trimmed', 'lightsms', {...LIGHT, text: 'two  words'}, light({...LIGHT, text: 'two  words'.replace(/\s+/g, ' ')}));

// the key
tell('key-misspelled', 'lightsms', LIGHT, light(LIGHT, undefined + ''));
tell('key-misspelled', 'lightsms', LIGHT, light(LIGHT, Buffer.from(L).toString('base64')));
tell('key-misspelled', 'lightsms', LIGHT, light(LIGHT, JSON.stringify(L)));
tell('key-misspelled', 'lightsms', LIGHT, light(LIGHT, Buffer.from(L).toString('hex')));
tell('key-decoded', 'mesajlarim', TURK, crypto.createHmac('sha1', Buffer.from('c0ffee00', 'hex')).update(text(TURK)).digest('hex'), 'c0ffee00');
tell('key-placed', 'lightsms', LIGHT, md5(L + sorted(LIGHT).join('')));

// digests
const S = [...sorted(MAIN), M].join(';');
const digest = (algorithm, data, encoding, as) => crypto.createHash(algorithm).update(data, encoding).digest(as);
tell('wrong-between', 'payforsms', MAIN, digest('md5', digest('sha1', S), undefined, 'hex'));
tell('wrong-between', 'payforsms', MAIN, digest('md5', digest('sha1', S, 'utf8', 'base64'), 'utf8', 'hex'));
tell('wrong-between', 'payforsms', MAIN, digest('md5', digest('sha1', S, 'utf8', 'latin1'), 'utf8', 'hex'));
tell('base64', 'payforsms', MAIN, digest('md5', sha1(S), 'utf8', 'base64'));
tell('base64', 'payforsms', MAIN, digest('md5', sha1(S), 'utf8', 'base64url'));
tell('charset', 'payforsms', MAIN, digest('md5', digest('sha1', S, 'latin1', 'hex'), 'utf8', 'hex'));
tell('charset', 'payforsms', MAIN, digest('md5', digest('sha1', S, 'utf16le', 'hex'), 'utf8', 'hex'));
tell('charset', 'payforsms', MAIN, digest('md5', digest('sha1', S, 'ascii', 'hex'), 'utf8', 'hex'));
tell('hmac-for-hash', 'lightsms', LIGHT, crypto.createHmac('md5', L).update(sorted(LIGHT).join('')).digest('hex'));
tell('hmac-swapped', 'mesajlarim', TURK, crypto.createHmac('sha1', text(TURK)).update(J).digest('hex'));
tell('wrong-digest', 'mesajlarim', TURK, crypto.createHmac('sha256', J).update(text(TURK)).digest('hex'));
tell('base64', 'mesajlarim', TURK, crypto.createHmac('sha1', J).update(text(TURK)).digest('base64'));
tell('hash-for-hmac', 'mesajlarim', TURK, sha1(text(TURK) + J));
tell('upper-case', 'lightsms', LIGHT, light(LIGHT).toUpperCase());
let LEAD = LIGHT;
for (let i = 0; !light(LEAD).match(/^(..)*0./); i++) LEAD = {...LIGHT, text: `x${i}`};
tell('zeros-dropped', 'lightsms', LEAD, Array.from(digest('md5', sorted(LEAD).join('') + L)).map((b) => b.toString(16)).join(''));
