<?php
// Programs that sign wrongly, as people write them in PHP. One JSON object a line: see generate.py.
const L = 'your_api_key_here', M = '07349e954831d', J = 'mySecret';

function tell(string $name, string $vendor, array $params, string $signature, ?string $key = null): void {
    $line = debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS, 1)[0]['line'];
    $pairs = [];
    foreach ($params as $one => $value) foreach ((array) $value as $each) $pairs[] = [(string) $one, (string) $each];
    echo json_encode(compact('name', 'vendor', 'line') + ['params' => $pairs, 'signature' => $signature]
        + ($key === null ? [] : ['key' => $key]), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
}
function light(array $p, string $key = L): string { ksort($p); return md5(implode('', $p) . $key); }
function main(array $p, string $key = M): string { ksort($p); return md5(sha1(implode(';', $p) . ';' . $key)); }
function turk(array $p, string $key = J): string {
    $text = $p['appId'] . $p['msisdn'] . ($p['message'] ?? '') . implode('', (array) ($p['recipient[]'] ?? $p['recipient'] ?? [])) . $p['rand'];
    return hash_hmac('sha1', $text, $key);
}

$light = ['login' => 'YourLogin', 'timestamp' => '1732809600', 'phone' => '37061234567,37061234568', 'sender' => 'My Shop',
    'text' => "It's 5 o'clock & \"ok\"", 'return' => 'json'];
$main = ['project' => 'mainsms', 'sender' => 'My Shop', 'message' => 'Привет, мир', 'recipients' => '89121231234,89121231235',
    'test' => '1'];
$turk = ['appId' => '1', 'msisdn' => '5321000000', 'message' => 'Günaydın şef', 'recipient[]' => ['5322000000', '5323000000'],
    'rand' => '1331024400'];

// correct programs
tell('', 'lightsms', $light, light($light));
tell('', 'payforsms', $main, main($main));
tell('', 'mesajlarim', $turk, turk($turk));

// order
$many = ['timestamp' => '1732809600', 'login' => 'YourLogin', 'text10' => 'a', 'text9' => 'b', 'text2' => 'c', 'Sender' => 'd',
    'return' => 'json', 'phone' => '370', 'test_mode' => '0', 'base' => '7', 'template' => 'x', 'lang' => 'lt'];
$p = $many; ksort($p, SORT_NATURAL); tell('sorted-by-locale', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; ksort($p, SORT_FLAG_CASE | SORT_STRING); tell('sorted-by-locale', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; ksort($p, SORT_FLAG_CASE | SORT_NATURAL); tell('sorted-by-locale', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; krsort($p); tell('reversed', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; sort($p); tell('sorted-by-value', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; rsort($p); tell('sorted-by-value', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; sort($p, SORT_STRING); tell('sorted-by-value', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; natsort($p); tell('sorted-by-value', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; natcasesort($p); tell('sorted-by-value', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; uksort($p, 'strcasecmp'); tell('sorted-by-locale', 'lightsms', $many, md5(implode('', $p) . L));
$p = $many; uksort($p, fn($a, $b) => strlen($a) <=> strlen($b)); tell('unsorted', 'lightsms', $many, md5(implode('', $p) . L));
tell('unsorted', 'lightsms', $many, md5(implode('', $many) . L));
tell('reversed', 'lightsms', $many, md5(implode('', array_reverse($many)) . L));

// names, queries, documents
$p = $light; ksort($p);
tell('query-signed', 'lightsms', $light, md5(http_build_query($p) . L));
tell('query-signed', 'lightsms', $light, md5(http_build_query($light) . L));
tell('query-signed', 'lightsms', $light, md5(http_build_query($p, '', '&', PHP_QUERY_RFC3986) . L));
tell('query-signed', 'lightsms', $light, md5(http_build_query($p, '', '&amp;') . L));
tell('query-signed', 'lightsms', $light, md5(http_build_query($p) . '&' . L));
tell('names-included', 'lightsms', $light, md5(urldecode(http_build_query($p)) . L));
tell('json-signed', 'lightsms', $light, md5(json_encode($light) . L));
tell('json-signed', 'lightsms', $light, md5(json_encode($p) . L));
tell('json-signed', 'payforsms', $main, md5(sha1(json_encode($main) . ';' . M)));
tell('json-signed', 'payforsms', $main, md5(sha1(json_encode($main, JSON_UNESCAPED_UNICODE) . M)));
tell('json-signed', 'lightsms', $light, md5(json_encode(array_values($p)) . L));
tell('map-printed', 'lightsms', $light, md5(serialize($light) . L));
tell('map-printed', 'lightsms', $light, md5(print_r($light, true) . L));
tell('map-printed', 'lightsms', $light, md5(var_export($p, true) . L));

// values
$raw = fn(callable $f, array $q) => array_map(fn($v) => is_array($v) ? array_map($f, $v) : $f($v), $q);
tell('percent-encoded', 'lightsms', $light, light($raw('urlencode', $light)));
tell('percent-encoded', 'payforsms', $main, main($raw('rawurlencode', $main)));
tell('html-escaped', 'lightsms', $light, light($raw('htmlspecialchars', $light)));
tell('html-escaped', 'lightsms', $light, light($raw(fn($v) => htmlspecialchars($v, ENT_COMPAT), $light)));
tell('html-escaped', 'lightsms', $light, light($raw(fn($v) => filter_var($v, FILTER_SANITIZE_SPECIAL_CHARS), $light)));
tell('backslashed', 'lightsms', $light, light($raw('addslashes', $light)));
tell('quoted', 'lightsms', $light, light(['sender' => var_export($light['sender'], true)] + $light));
$words = ['text' => 'two words'] + $light;
tell('quoted', 'lightsms', $words, light(['text' => escapeshellarg($words['text'])] + $words));
tell('letter-case', 'payforsms', $main, main($raw('strtoupper', $main)));
$tags = ['text' => 'Hi <b>Anna</b>, 5 > 3'] + $light;
tell('characters-lost', 'lightsms', $tags, light(['text' => strip_tags($tags['text'])] + $tags));
$lines = ['message' => "one\ntwo\nthree"] + $main;
tell('line-ends', 'payforsms', $lines, main(['message' => nl2br($lines['message'], false)] + $lines));
tell('line-ends', 'payforsms', $lines, main(['message' => str_replace("\n", "\r\n", $lines['message'])] + $lines));
tell('line-ends', 'payforsms', $lines, main(['message' => preg_replace('/\R/', ' ', $lines['message'])] + $lines));
tell('trimmed', 'payforsms', $padded = ['message' => " hello \n"] + $main, main(['message' => trim($padded['message'])] + $padded));
tell('text-cut', 'payforsms', $long = ['message' => str_repeat('0123456789', 20)] + $main, main(['message' => substr($long['message'], 0, 160)] + $long));
tell('characters-lost', 'payforsms', $acc = ['message' => 'Žmogau — labas'] + $main, main(['message' => preg_replace('/[^\x00-\x7f]/u', '', $acc['message'])] + $acc));
tell('boolean-as-word', 'payforsms', $main, main(['test' => var_export((bool) $main['test'], true)] + $main));
tell('empty-dropped', 'payforsms', $e = ['sender' => ''] + $main, main(array_filter($e, 'strlen')));
tell('empty-dropped', 'payforsms', $z = ['sender' => '', 'test' => '0'] + $main, main(array_filter($z)));
tell('absent-as-word', 'payforsms', array_diff_key($main, ['test' => 1]), main(['test' => var_export(null, true)] + $main));
tell('list-joined', 'lightsms', $light, light(['phone' => implode(', ', explode(',', $light['phone']))] + $light));
tell('list-joined', 'lightsms', $light, light(['phone' => @strval_(explode(',', $light['phone']))] + $light));
tell('list-joined', 'lightsms', $light, light(['phone' => json_encode(explode(',', $light['phone']))] + $light));
function strval_(array $list): string { return "$list"; }
tell('list-joined', 'mesajlarim', $turk, turk(['recipient[]' => @strval_($turk['recipient[]'])] + $turk));
tell('list-joined', 'mesajlarim', $turk, turk(['recipient[]' => implode(',', $turk['recipient[]'])] + $turk));
tell('number-printed', 'lightsms', $one = ['phone' => '37061234567'] + $light, light(['phone' => sprintf('%d', $one['phone'] & 0xffffffff)] + $one));
tell('number-printed', 'lightsms', $one, light(['phone' => number_format($one['phone'])] + $one));
tell('number-printed', 'lightsms', $one, light(['phone' => sprintf('%e', $one['phone'])] + $one));
tell('number-printed', 'lightsms', $one, light(['phone' => json_encode((float) $one['phone'], JSON_PRESERVE_ZERO_FRACTION)] + $one));
tell('number-printed', 'lightsms', $zero = ['sender' => '007'] + $light, light(['sender' => (string) (int) $zero['sender']] + $zero));
tell('stamp-unit', 'lightsms', $light, light(['timestamp' => sprintf('%.2f', 1732809600.123)] + $light));
tell('stamp-format', 'lightsms', $light, light(['timestamp' => date(DATE_ATOM, 1732809600)] + $light));
tell('stamp-format', 'lightsms', $light, light(['timestamp' => date('Y-m-d H:i:s', 1732809600)] + $light));
tell('time-format', 'payforsms', $at = ['run_at' => '15.01.2031 10:00'] + $main, main(['run_at' => date('c', gmmktime(10, 0, 0, 1, 15, 2031))] + $at));
tell('time-format', 'payforsms', $at, main(['run_at' => (string) gmmktime(10, 0, 0, 1, 15, 2031)] + $at));
tell('time-format', 'payforsms', $at, main(['run_at' => date('d.m.y H:i', gmmktime(10, 0, 0, 1, 15, 2031))] + $at));

// the key
tell('key-misspelled', 'lightsms', $light, light($light, L . PHP_EOL));
tell('key-misspelled', 'lightsms', $light, light($light, @"ab$nothing"), 'ab$nothing');
tell('key-misspelled', 'payforsms', $main, main($main, "\u{200b}" . M));
tell('key-misspelled', 'payforsms', $main, main($main, M . "\u{a0}"));
tell('key-misspelled', 'payforsms', $main, main($main, "\u{feff}" . M));
tell('key-from-value', 'lightsms', $light, light($light, $light['login']));
tell('key-swapped', 'lightsms', $light, light(['login' => L] + $light, $light['login']));
tell('key-missing', 'lightsms', $light, light($light, (string) @$undefined));

// digests
$p = $main; ksort($p); $s = implode(';', $p) . ';' . M;
tell('wrong-between', 'payforsms', $main, md5(sha1($s, true)));
tell('wrong-between', 'payforsms', $main, md5(base64_encode(sha1($s, true))));
tell('base64', 'payforsms', $main, base64_encode(md5(sha1($s), true)));
tell('wrong-digest', 'payforsms', $main, sha1(md5($s)));
tell('wrong-digest', 'payforsms', $main, md5($s));
tell('key-between', 'payforsms', $main, md5(sha1(implode(';', $p)) . M));
tell('hmac-for-hash', 'payforsms', $main, hash_hmac('md5', implode(';', $p), M));
tell('hmac-swapped', 'mesajlarim', $turk, hash_hmac('sha1', J, '1' . '5321000000' . 'Günaydın şef' . '5322000000' . '5323000000' . '1331024400'));
tell('base64', 'mesajlarim', $turk, base64_encode(hash_hmac('sha1', '15321000000Günaydın şef532200000053230000001331024400', J, true)));
tell('base64-of-hex', 'mesajlarim', $turk, base64_encode(turk($turk)));
tell('charset', 'payforsms', $main, main($raw(fn($v) => iconv('UTF-8', 'CP1251', $v), $main)));
tell('utf-8-twice', 'mesajlarim', $turk, turk(['message' => mb_utf8($turk['message'])] + $turk));
function mb_utf8(string $s): string { return iconv('ISO-8859-1', 'UTF-8', $s); }
