# Programs that sign wrongly, as people write them in Perl. One JSON object a line: see generate.py.
use strict; use warnings; no warnings 'uninitialized';
use utf8;
use Digest::MD5 qw(md5 md5_hex md5_base64); use Digest::SHA qw(sha1 sha1_hex sha1_base64 hmac_sha1_hex hmac_sha1_base64 hmac_sha256_hex);
use Encode qw(encode encode_utf8); use JSON::PP; use Data::Dumper; use MIME::Base64; use POSIX ();
binmode STDOUT;
my ($L, $M, $J) = ('your_api_key_here', '07349e954831d', 'mySecret');
my $json = JSON::PP->new->canonical->utf8;

sub tell_ { my ($name, $vendor, $pairs, $signature, $key) = @_; my $line = (caller)[2];
    my @pairs = map { [map { "$_" } @$_] } @$pairs;
    print $json->encode({name => $name, vendor => $vendor, line => $line, params => \@pairs, signature => $signature, defined $key ? (key => $key) : ()}), "\n" }
sub with { my ($pairs, %other) = @_; my @new = map { [$_->[0], exists $other{$_->[0]} ? delete $other{$_->[0]} : $_->[1]] } @$pairs;
    return [@new, map { [$_, $other{$_}] } sort keys %other] }
sub each_ { my ($f, $pairs) = @_; return [map { [$_->[0], $f->($_->[1])] } @$pairs] }
sub values_ { map { $_->[1] } sort { $a->[0] cmp $b->[0] } @{$_[0]} }
sub light { my ($p, $key) = @_; return md5_hex(encode_utf8(join('', values_($p)) . ($key // $L))) }
sub main_ { my ($p, $key) = @_; return md5_hex(sha1_hex(encode_utf8(join(';', values_($p), $key // $M)))) }
my @order = qw(appId msisdn message recipient recipient[] rand);
sub text { my ($p) = @_; my $text = ''; for my $n (@order) { $text .= $_->[1] for grep { $_->[0] eq $n } @$p } return $text }
sub turk { my ($p, $key) = @_; return hmac_sha1_hex(encode_utf8(text($p)), $key // $J) }

my $light = [[login => 'YourLogin'], [timestamp => '1732809600'], [phone => '37061234567,37061234568'], [sender => 'My Shop'], [text => 'Tom & Tim, 100%'], [return => 'json']];
my $main = [[project => 'mainsms'], [sender => 'My Shop'], [message => 'Привет, мир'], [recipients => '89121231234,89121231235'], [test => '1']];
my $turk = [[appId => '1'], [msisdn => '5321000000'], [message => 'Günaydın şef'], ['recipient[]' => '5322000000'], ['recipient[]' => '5323000000'], [rand => '1331024400']];

# correct programs
tell_('', 'lightsms', $light, light($light));
tell_('', 'payforsms', $main, main_($main));
tell_('', 'mesajlarim', $turk, turk($turk));

# order: one hash gives its keys in one order, whatever that is, to the query and to the digest
my %p = map { @$_ } @$light;
tell_('unsorted', 'lightsms', [map { [$_, $p{$_}] } keys %p], md5_hex(join('', map { $p{$_} } keys %p) . $L)) if join('', keys %p) ne join('', sort keys %p);
my @many = ([timestamp => '1732809600'], [login => 'YourLogin'], [text2 => 'a'], [Text => 'b'], [text10 => 'c'], [return => 'json'], [phone => '370'], [test => '0'], [base => '7'], [template => 'x'], [lang => 'lt'], [zone => '3']);
tell_('unsorted', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } @many) . $L));
tell_('unsorted', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } sort { $a->[0] <=> $b->[0] } @many) . $L)) if eval { no warnings; 1 };
tell_('reversed', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } reverse sort { $a->[0] cmp $b->[0] } @many) . $L));
tell_('sorted-by-locale', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } sort { lc $a->[0] cmp lc $b->[0] } @many) . $L));
tell_('sorted-by-value', 'lightsms', \@many, md5_hex(join('', sort map { $_->[1] } @many) . $L));
tell_('sorted-by-value', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } sort { $a->[1] <=> $b->[1] } grep { $_->[0] } @many) . $L));
tell_('unsorted', 'lightsms', \@many, md5_hex(join('', map { $_->[1] } sort { length $a->[0] <=> length $b->[0] } @many) . $L));

# names, documents
my @sorted = sort { $a->[0] cmp $b->[0] } @$light;
tell_('names-included', 'lightsms', $light, md5_hex(join('&', map { "$_->[0]=$_->[1]" } @sorted) . $L));
tell_('names-included', 'lightsms', $light, md5_hex(join('', map { @$_ } @sorted) . $L));
tell_('names-included', 'lightsms', $light, md5_hex(join(',', map { @$_ } @sorted) . $L));
tell_('json-signed', 'lightsms', $light, md5_hex(JSON::PP->new->canonical->encode({map { @$_ } @$light}) . $L));
tell_('json-signed', 'payforsms', $main, md5_hex(sha1_hex(JSON::PP->new->canonical->utf8->encode({map { @$_ } @$main}) . ";$M")));
tell_('json-signed', 'lightsms', $light, md5_hex(JSON::PP->new->canonical->pretty->encode({map { @$_ } @$light}) . $L));
{ local $Data::Dumper::Sortkeys = 1; tell_('map-printed', 'lightsms', $light, md5_hex(Dumper({map { @$_ } @$light}) . $L)); local $Data::Dumper::Terse = 1; local $Data::Dumper::Indent = 0; tell_('map-printed', 'lightsms', $light, md5_hex(Dumper({map { @$_ } @$light}) . $L)); }
tell_('separator-other', 'lightsms', $light, do { local $" = ' '; my @v = values_($light); md5_hex("@v$L") });
tell_('separator-other', 'payforsms', $main, do { my @v = values_($main); md5_hex(sha1_hex(encode_utf8("@v $M"))) });

# values
sub uri_escape { my $v = encode_utf8($_[0]); $v =~ s/([^A-Za-z0-9\-\._~!*'()])/sprintf '%%%02X', ord $1/ge; return $v }
sub uri_escape_lower { my $v = encode_utf8($_[0]); $v =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ge; return $v }
sub form_escape { my $v = encode_utf8($_[0]); $v =~ s/([^A-Za-z0-9\-\._ ])/sprintf '%%%02X', ord $1/ge; $v =~ tr/ /+/; return $v }
tell_('percent-encoded', 'lightsms', $light, light(each_(\&uri_escape, $light)));
tell_('percent-encoded', 'payforsms', $main, main_(each_(\&form_escape, $main)));
tell_('percent-encoded', 'payforsms', $main, main_(each_(\&uri_escape_lower, $main)));
my $echo = with($light, text => 'disk full');
tell_('padded', 'lightsms', $echo, light(with($echo, text => scalar `echo disk full`)));
tell_('line-ends', 'lightsms', with($light, text => "a\nb"), light(with($light, text => do { my $t = "a\nb"; $t =~ s/\n/\r\n/g; $t })));
tell_('line-ends', 'lightsms', with($light, text => "a\nb\n"), light(with($light, text => join '', split /\n/, "a\nb\n")));
tell_('trimmed', 'lightsms', with($light, text => " a b "), light(with($light, text => do { my $t = " a b "; $t =~ s/^\s+|\s+$//g; $t })));
tell_('trimmed', 'lightsms', with($light, text => "a b\n"), light(with($light, text => do { chomp(my $t = "a b\n"); $t })));
tell_('boolean-as-word', 'payforsms', with($main, test => '0'), main_(with($main, test => !!0)));
tell_('boolean-as-word', 'payforsms', $main, main_(with($main, test => 'true')));
tell_('empty-dropped', 'payforsms', with($main, sender => ''), main_([grep { length $_->[1] } @{with($main, sender => '')}]));
tell_('empty-kept', 'payforsms', [grep { $_->[0] ne 'sender' } @$main], main_(with([grep { $_->[0] ne 'sender' } @$main], sender => undef)));
tell_('list-joined', 'lightsms', $light, light(with($light, phone => join ' ', split /,/, $light->[2][1])));
tell_('list-joined', 'lightsms', $light, light(with($light, phone => scalar(my @l = split /,/, $light->[2][1]))));
tell_('list-joined', 'mesajlarim', $turk, turk([@$turk[0 .. 2], ['recipient[]' => join ' ', '5322000000', '5323000000'], $turk->[5]]));
tell_('list-joined', 'mesajlarim', $turk, turk([@$turk[0 .. 2], ['recipient[]' => '5323000000'], $turk->[5]]));
my $one = with($light, phone => '37061234567');
tell_('number-printed', 'lightsms', $one, light(with($one, phone => sprintf '%e', 37061234567)));
tell_('number-printed', 'lightsms', $one, light(with($one, phone => sprintf '%g', 37061234567)));
tell_('number-printed', 'lightsms', $one, light(with($one, phone => unpack 'l', pack 'l', 37061234567)));
tell_('number-printed', 'lightsms', with($light, sender => '007'), light(with($light, sender => 0 + '007')));
tell_('stamp-unit', 'lightsms', $light, light(with($light, timestamp => 1732809600 * 1000 + 57)));
tell_('stamp-unit', 'lightsms', $light, light(with($light, timestamp => '1732809600.5')));
tell_('stamp-format', 'lightsms', $light, light(with($light, timestamp => scalar gmtime 1732809600)));
tell_('stamp-format', 'lightsms', $light, light(with($light, timestamp => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime 1732809600))));
tell_('stamp-format', 'lightsms', $light, light(with($light, timestamp => POSIX::strftime('%Y%m%d%H%M%S', gmtime 1732809600))));
tell_('stamp-differs', 'lightsms', $light, light(with($light, timestamp => 1732809600 - 3)));
tell_('stamp-local-time', 'lightsms', $light, light(with($light, timestamp => POSIX::mktime(gmtime 1732809600) + 7200)));
tell_('time-format', 'payforsms', with($main, run_at => '15.01.2031 10:00'), main_(with($main, run_at => POSIX::strftime('%Y-%m-%d %H:%M:%S', 0, 0, 10, 15, 0, 131))));
tell_('html-escaped', 'lightsms', $light, light(with($light, text => do { my $t = $light->[4][1]; $t =~ s/&/&amp;/g; $t })));

# the key
open my $file, '<', \"$L\n"; my $read = <$file>;
tell_('key-misspelled', 'lightsms', $light, light($light, $read));
tell_('key-misspelled', 'lightsms', $light, light($light, 'ab'), 'ab$nothing');
tell_('key-misspelled', 'lightsms', $light, light($light, 'me.org'), 'me@example.org');
tell_('key-misspelled', 'lightsms', $light, light($light, encode_base64($L)));
tell_('key-missing', 'mesajlarim', $turk, hmac_sha1_hex(encode_utf8(text($turk)), ''));
tell_('key-from-value', 'mesajlarim', $turk, turk($turk, '1'));
tell_('key-look-alike', 'lightsms', $light, light($light, 'K0de1'), 'KOdel');

# digests
my $s = encode_utf8(join(';', values_($main), $M));
tell_('wrong-between', 'payforsms', $main, md5_hex(sha1($s)));
tell_('wrong-between', 'payforsms', $main, md5_hex(sha1_base64($s)));
tell_('wrong-between', 'payforsms', $main, md5_hex(encode_base64(sha1($s))));
tell_('wrong-between', 'payforsms', $main, md5_hex(uc sha1_hex($s)));
tell_('wrong-between', 'payforsms', $main, md5_hex(sha1_hex($s) . "\n"));
tell_('base64', 'payforsms', $main, md5_base64(sha1_hex($s)));
tell_('wrong-digest', 'payforsms', $main, sha1_hex($s));
tell_('charset', 'payforsms', $main, md5_hex(sha1_hex(encode('cp1251', join(';', values_($main), $M)))));
tell_('charset', 'mesajlarim', $turk, hmac_sha1_hex(encode('iso-8859-9', text($turk)), $J));
tell_('utf-8-twice', 'mesajlarim', $turk, hmac_sha1_hex(encode_utf8(encode_utf8(text($turk))), $J));
tell_('hmac-swapped', 'mesajlarim', $turk, hmac_sha1_hex($J, encode_utf8(text($turk))));
tell_('base64', 'mesajlarim', $turk, hmac_sha1_base64(encode_utf8(text($turk)), $J));
tell_('wrong-digest', 'mesajlarim', $turk, hmac_sha256_hex(encode_utf8(text($turk)), $J));
tell_('hash-for-hmac', 'mesajlarim', $turk, sha1_hex(encode_utf8(text($turk) . $J)));
