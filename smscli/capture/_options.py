"""The options of command-line clients, as data: which there are, which take a value, what their letters mean.

Sources: ``curl --help all`` of 7.88 and curl(1) of 8.17, wget(1) 1.25, ``http --help`` of HTTPie 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURL_VALUES = _names(
    """abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to
    continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode
    delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine
    etag-compare etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method ftp-port
    ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface ip-tos
    ipfs-gateway json keepalive-cnt keepalive-time key key-type knownhosts krb krb4 libcurl limit-rate local-port
    login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output
    output-dir parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy
    proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key
    proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
    proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer request
    request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks socks4 socks4a
    socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time ssl-sessions stderr telnet-option tftp-blksize
    time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket
    upload-file upload-flags url url-query user user-agent variable vlan-priority write-out"""
)
CURL_FLAGS = _names(
    """alpn anyauth append basic buffer ca-native cert-status clobber compressed compressed-ssh create-dirs crlf digest
    disable disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure dump-ca-embed environment
    eprt epsv fail fail-early fail-with-body false-start follow form-escape ftp-create-dirs ftp-pasv ftp-pret
    ftp-skip-pasv-ip ftp-ssl ftp-ssl-ccc ftp-ssl-control ftp-ssl-reqd get globoff haproxy-protocol head help http0.9
    http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include insecure ipv4 ipv6
    junk-session-cookies keepalive list-only location location-trusted mail-rcpt-allowfails manual metalink mptcp
    negotiate netrc netrc-optional next npn ntlm ntlm-wb out-null parallel parallel-immediate path-as-is post301 post302
    post303 progress-bar progress-meter proxy-anyauth proxy-basic proxy-ca-native proxy-digest proxy-http2
    proxy-insecure proxy-negotiate proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel
    raw remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors retry-connrefused
    sasl-ir sessionid show-error show-headers silent skip-existing socks5-basic socks5-gssapi socks5-gssapi-nec ssl
    ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output
    suppress-connect-headers tcp-fastopen tcp-nodelay test-event tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1
    tlsv1.2 tlsv1.3 tr-encoding trace-ids trace-time use-ascii verbose version xattr"""
)
_CURL_LETTERS = """a append  E cert  K config  C continue-at  b cookie  c cookie-jar  d data  q disable  D dump-header
    f fail  F form  P ftp-port  G get  g globoff  I head  H header  h help  0 http1.0  i include  k insecure  4 ipv4
    6 ipv6  j junk-session-cookies  l list-only  L location  M manual  m max-time  n netrc  : next  N no-buffer
    o output  Z parallel  # progress-bar  x proxy  U proxy-user  p proxytunnel  Q quote  r range  e referer
    J remote-header-name  O remote-name  R remote-time  X request  S show-error  s silent  Y speed-limit  y speed-time
    2 sslv2  3 sslv3  t telnet-option  z time-cond  1 tlsv1  T upload-file  B use-ascii  u user  A user-agent
    v verbose  V version  w write-out"""
_WGET_VALUES = """accept accept-regex append-output ask-password backups base bind-address bind-dns-address body-data
    body-file ca-certificate ca-directory certificate certificate-type ciphers compression config connect-timeout
    crl-file cut-dirs default-page directory-prefix dns-servers dns-timeout domains egd-file exclude-directories
    exclude-domains execute follow-tags ftp-password ftp-user header hsts-file http-passwd http-password http-user
    ignore-tags include-directories input-file level limit-rate load-cookies local-encoding max-redirect method
    output-document output-file password pinnedpubkey post-data post-file prefer-family preferred-location private-key
    private-key-type progress proxy-password proxy-user quota random-file read-timeout referer regex-type reject
    reject-regex rejected-log remote-encoding report-speed restrict-file-names retry-on-http-error save-cookies
    secure-protocol start-pos timeout tries use-askpass user user-agent wait waitretry warc-dedup warc-file warc-header
    warc-max-size warc-tempdir"""
_WGET_LETTERS = """e execute  o output-file  a append-output  i input-file  B base  t tries  O output-document
    T timeout  w wait  Q quota  P directory-prefix  U user-agent  l level  A accept  R reject  D domains
    I include-directories  X exclude-directories"""
_HTTPIE_VALUES = """boundary raw pretty style response-charset response-mime format-options print output session
    session-read-only auth auth-type proxy max-redirects max-headers timeout verify ssl ciphers cert cert-key
    cert-key-pass default-scheme"""
_HTTPIE_LETTERS = "s style  p print  o output  a auth  A auth-type  j json  f form"


def _letters(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a client reads its words: long names that take a value, other long names, and its letters.

    ``equals``: a value may follow its option behind ``=``. ``strict``: all names are known here.
    """

    tool: str
    values: frozenset[str]
    flags: frozenset[str]
    letters: dict[str, str]
    equals: bool = True
    strict: bool = False


CURL = Grammar("curl", CURL_VALUES, CURL_FLAGS, _letters(_CURL_LETTERS), equals=False, strict=True)
WGET = Grammar("wget", _names(_WGET_VALUES), frozenset(), _letters(_WGET_LETTERS))
HTTPIE = Grammar(
    "HTTPie", _names(_HTTPIE_VALUES), _names("form multipart json verbose headers body"), _letters(_HTTPIE_LETTERS)
)
