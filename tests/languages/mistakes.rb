# Programs that sign wrongly, as people write them in Ruby. One JSON object a line: see generate.py.
require 'digest'; require 'openssl'; require 'json'; require 'cgi'; require 'uri'; require 'erb'; require 'time'
L, M, J = 'your_api_key_here', '07349e954831d', 'mySecret'

def tell(name, vendor, params, signature, key = nil)
  pairs = params.flat_map { |n, v| [v].flatten.map { |one| [n.to_s, one.to_s] } }
  puts({name: name, vendor: vendor, line: caller_locations(1, 1)[0].lineno, params: pairs, signature: signature, key: key}.compact.to_json)
end
def md5(text) = Digest::MD5.hexdigest(text)
def sha1(text) = Digest::SHA1.hexdigest(text)
def light(p, key = L) = md5(p.sort_by { |n, _| n.to_s }.map { |_, v| v.to_s }.join + key.to_s)
def main(p, key = M) = md5(sha1((p.sort_by { |n, _| n.to_s }.map { |_, v| v.to_s } + [key]).join(';')))
def text(p) = p['appId'] + p['msisdn'] + p['message'].to_s + [p['recipient[]']].flatten.join + p['rand']
def turk(p, key = J) = OpenSSL::HMAC.hexdigest('SHA1', key, text(p))

LIGHT = {'login' => 'YourLogin', 'timestamp' => '1732809600', 'phone' => '37061234567,37061234568', 'sender' => 'My Shop', 'text' => 'Labas, žmogau! #1', 'return' => 'json'}
MAIN = {'project' => 'mainsms', 'sender' => 'My Shop', 'message' => 'Привет, мир', 'recipients' => '89121231234,89121231235', 'test' => '1'}
TURK = {'appId' => '1', 'msisdn' => '5321000000', 'message' => 'Günaydın şef', 'recipient[]' => %w[5322000000 5323000000], 'rand' => '1331024400'}

# correct programs
tell '', 'lightsms', LIGHT, light(LIGHT)
tell '', 'payforsms', MAIN, main(MAIN)
tell '', 'mesajlarim', TURK, turk(TURK)

# order
MANY = {'timestamp' => '1732809600', 'login' => 'YourLogin', 'text_b' => 'a', 'Text' => 'b', 'return' => 'json', 'phone' => '370', 'test' => '0', 'base' => '7', 'lang' => 'lt', 'zone' => '3', 'id' => '12'}
tell 'unsorted', 'lightsms', MANY, md5(MANY.values.join + L)
tell 'sorted-by-value', 'lightsms', MANY, md5(MANY.values.sort.join + L)
tell 'sorted-by-value', 'lightsms', MANY, md5(MANY.sort_by { |_, v| v.downcase }.map(&:last).join + L)
tell 'sorted-by-locale', 'lightsms', MANY, md5(MANY.sort_by { |n, _| n.downcase }.map(&:last).join + L)
tell 'unsorted', 'lightsms', MANY, md5(MANY.sort_by { |n, _| [n.length, n] }.map(&:last).join + L)
tell 'reversed', 'lightsms', MANY, md5(MANY.sort.reverse.map(&:last).join + L)

# names, queries, documents
tell 'names-included', 'lightsms', LIGHT, md5(LIGHT.sort.join + L)
tell 'names-included', 'lightsms', LIGHT, md5(LIGHT.sort.flatten.join(';') + L)
tell 'names-included', 'lightsms', LIGHT, md5(LIGHT.sort.map { |pair| pair.join('=') }.join('&') + L)
tell 'query-signed', 'lightsms', LIGHT, md5(URI.encode_www_form(LIGHT) + L)
tell 'query-signed', 'lightsms', LIGHT, md5(URI.encode_www_form(LIGHT.sort) + L)
tell 'query-signed', 'lightsms', LIGHT, md5(LIGHT.sort.map { |n, v| "#{n}=#{CGI.escape(v)}" }.join('&') + L)
tell 'json-signed', 'lightsms', LIGHT, md5(LIGHT.to_json + L)
tell 'json-signed', 'payforsms', MAIN, md5(sha1(MAIN.sort.to_h.to_json + ';' + M))
tell 'json-signed', 'lightsms', LIGHT, md5(JSON.pretty_generate(LIGHT) + L)
tell 'json-signed', 'mesajlarim', TURK, OpenSSL::HMAC.hexdigest('SHA1', J, TURK.to_json)
tell 'map-printed', 'lightsms', LIGHT, md5(LIGHT.to_s + L)
tell 'map-printed', 'lightsms', LIGHT, md5("#{LIGHT.sort}" + L)
tell 'map-printed', 'lightsms', LIGHT, md5(LIGHT.transform_keys(&:to_sym).to_s + L)
tell 'json-signed', 'lightsms', LIGHT, md5("#{LIGHT.sort.map(&:last)}" + L)

# values
tell 'percent-encoded', 'lightsms', LIGHT, light(LIGHT.transform_values { |v| CGI.escape(v) })
tell 'percent-encoded', 'payforsms', MAIN, main(MAIN.transform_values { |v| ERB::Util.url_encode(v) })
tell 'percent-encoded', 'payforsms', MAIN, main(MAIN.transform_values { |v| URI.encode_www_form_component(v) })
tell 'percent-encoded', 'lightsms', LIGHT, light(LIGHT.transform_values { |v| URI::DEFAULT_PARSER.escape(v) })
tell 'html-escaped', 'lightsms', LIGHT.merge('text' => "<it's>"), light(LIGHT.merge('text' => CGI.escapeHTML("<it's>")))
tell 'quoted', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].inspect))
tell 'quoted', 'lightsms', LIGHT.merge('text' => 'привет'), light(LIGHT.merge('text' => 'привет'.dump))
tell 'list-joined', 'lightsms', LIGHT, light(LIGHT.merge('phone' => LIGHT['phone'].split(',').to_s))
tell 'list-joined', 'lightsms', LIGHT, light(LIGHT.merge('phone' => LIGHT['phone'].split(',').map(&:to_i).to_s))
tell 'list-joined', 'lightsms', LIGHT, light(LIGHT.merge('phone' => LIGHT['phone'].split(',').join("\n")))
tell 'list-joined', 'mesajlarim', TURK, OpenSSL::HMAC.hexdigest('SHA1', J, "15321000000#{TURK['message']}#{TURK['recipient[]']}#{TURK['rand']}")
tell 'list-joined', 'lightsms', LIGHT.merge('phone' => '37061234567'), light(LIGHT.merge('phone' => ['37061234567'].to_s))
tell 'number-printed', 'lightsms', LIGHT.merge('phone' => '37061234567'), light(LIGHT.merge('phone' => '37061234567'.to_f))
tell 'number-printed', 'lightsms', LIGHT.merge('phone' => '37061234567'), light(LIGHT.merge('phone' => '37061234567'.to_r))
tell 'boolean-as-word', 'payforsms', MAIN, main(MAIN.merge('test' => true))
tell 'absent-as-word', 'payforsms', MAIN.except('test'), main(MAIN.except('test').merge('test' => nil.inspect))
tell 'empty-kept', 'payforsms', MAIN.except('test'), main(MAIN.except('test').merge('test' => nil))
tell 'letter-case', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].upcase))
tell 'letter-case', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].swapcase))
tell 'letter-case', 'mesajlarim', TURK, turk(TURK.merge('message' => TURK['message'].upcase(:turkic)))
tell 'characters-lost', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].encode('US-ASCII', undef: :replace, replace: '')))
tell 'characters-lost', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].unicode_normalize(:nfkd).encode('US-ASCII', undef: :replace, replace: '')))
tell 'nfd', 'lightsms', LIGHT, light(LIGHT.merge('text' => LIGHT['text'].unicode_normalize(:nfd)))
tell 'trimmed', 'lightsms', LIGHT.merge('text' => "a b \n"), light(LIGHT.merge('text' => "a b \n".strip))
tell 'trimmed', 'lightsms', LIGHT.merge('text' => "a  b\tc"), light(LIGHT.merge('text' => "a  b\tc".split.join(' ')))
tell 'trimmed', 'lightsms', LIGHT.merge('text' => "a\n"), light(LIGHT.merge('text' => "a\n".chomp))
tell 'text-cut', 'lightsms', LIGHT.merge('text' => 'Привет! ' * 12), light(LIGHT.merge('text' => ('Привет! ' * 12)[0, 70]))
tell 'stamp-unit', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => 1732809600.0))
tell 'stamp-unit', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => (Time.at(1732809600, 345, :millisecond).to_f * 1000).to_i))
tell 'stamp-unit', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => Time.at(1732809600.5).to_f))
tell 'stamp-format', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => Time.at(1732809600).utc))
tell 'stamp-format', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => Time.at(1732809600).utc.iso8601))
tell 'stamp-format', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => Time.at(1732809600).getlocal('+03:00')))
tell 'stamp-format', 'lightsms', LIGHT, light(LIGHT.merge('timestamp' => Time.at(1732809600).utc.httpdate))
tell 'time-format', 'payforsms', MAIN.merge('run_at' => '15.01.2031 10:00'), main(MAIN.merge('run_at' => Time.utc(2031, 1, 15, 10)))
tell 'time-format', 'payforsms', MAIN.merge('run_at' => '15.01.2031 10:00'), main(MAIN.merge('run_at' => Time.new(2031, 1, 15, 10, 0, 0, '+03:00').to_s))

# the key
tell 'key-misspelled', 'lightsms', LIGHT, light(LIGHT, "#{L}\n")
tell 'key-misspelled', 'lightsms', LIGHT, light(LIGHT, L.inspect)
tell 'key-misspelled', 'lightsms', LIGHT, light(LIGHT, L.to_sym.inspect)
tell 'key-misspelled', 'payforsms', MAIN, main(MAIN, "\u00ad" + M)
tell 'key-missing', 'lightsms', LIGHT, light(LIGHT, ENV['NO_SUCH_KEY'])
tell 'key-look-alike', 'lightsms', LIGHT, light(LIGHT, "s\u0435cret"), 'secret'
tell 'key-look-alike', 'lightsms', LIGHT, light(LIGHT, 'x1O5'), 'xl05'
tell 'key-swapped', 'lightsms', LIGHT, light(LIGHT.merge('login' => L), LIGHT['login'])

# digests
S = (MAIN.sort.map(&:last) + [M]).join(';')
tell 'wrong-between', 'payforsms', MAIN, md5(Digest::SHA1.digest(S))
tell 'wrong-between', 'payforsms', MAIN, md5(Digest::SHA1.base64digest(S))
tell 'base64', 'payforsms', MAIN, Digest::MD5.base64digest(sha1(S))
tell 'wrong-digest', 'payforsms', MAIN, Digest::SHA256.hexdigest(S)
tell 'wrong-digest', 'payforsms', MAIN, sha1(md5(S))
tell 'hmac-for-hash', 'payforsms', MAIN, OpenSSL::HMAC.hexdigest('MD5', M, S.delete_suffix(";#{M}"))
tell 'hmac-swapped', 'mesajlarim', TURK, OpenSSL::HMAC.hexdigest('SHA1', text(TURK), J)
tell 'base64', 'mesajlarim', TURK, [OpenSSL::HMAC.digest('SHA1', J, text(TURK))].pack('m')
tell 'charset', 'mesajlarim', TURK, OpenSSL::HMAC.hexdigest('SHA1', J, text(TURK).encode('ISO-8859-9'))
tell 'charset', 'payforsms', MAIN, md5(sha1(S.encode('Windows-1251')))
tell 'upper-case', 'mesajlarim', TURK, turk(TURK).upcase
lead = (0..).lazy.map { |i| LIGHT.merge('text' => "x#{i}") }.find { |p| light(p) =~ /^(..)*0./ }
tell 'zeros-dropped', 'lightsms', lead, Digest::MD5.digest(lead.sort.map(&:last).join + L).bytes.map { |b| b.to_s(16) }.join
