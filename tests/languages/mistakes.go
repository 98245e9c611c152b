// Programs that sign wrongly, as people write them in Go. One JSON object a line: see generate.py.
package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

const L, M, J = "your_api_key_here", "07349e954831d", "mySecret"

type pair = [2]string

func tell(name, vendor string, params []pair, signature string) {
	_, _, line, _ := runtime.Caller(1)
	text, _ := json.Marshal(map[string]any{"name": name, "vendor": vendor, "line": line, "params": params, "signature": signature})
	fmt.Println(string(text))
}
func md(text string) string  { sum := md5.Sum([]byte(text)); return hex.EncodeToString(sum[:]) }
func sha(text string) string { sum := sha1.Sum([]byte(text)); return hex.EncodeToString(sum[:]) }
func sorted(params []pair) (values []string) {
	params = append([]pair{}, params...)
	sort.SliceStable(params, func(i, j int) bool { return params[i][0] < params[j][0] })
	for _, p := range params {
		values = append(values, p[1])
	}
	return
}
func with(params []pair, name string, value any) (other []pair) {
	found := false
	for _, p := range params {
		if p[0] == name {
			p[1], found = fmt.Sprint(value), true
		}
		other = append(other, p)
	}
	if !found {
		other = append(other, pair{name, fmt.Sprint(value)})
	}
	return
}
func each(params []pair, f func(string) string) (other []pair) {
	for _, p := range params {
		other = append(other, pair{p[0], f(p[1])})
	}
	return
}
func light(params []pair) string { return md(strings.Join(sorted(params), "") + L) }
func main_(params []pair) string { return md(sha(strings.Join(append(sorted(params), M), ";"))) }
func text(params []pair) (text string) {
	for _, name := range []string{"appId", "msisdn", "message", "recipient", "recipient[]", "rand"} {
		for _, p := range params {
			if p[0] == name {
				text += p[1]
			}
		}
	}
	return
}
func mac(text, key string) []byte { m := hmac.New(sha1.New, []byte(key)); m.Write([]byte(text)); return m.Sum(nil) }
func turk(params []pair) string    { return hex.EncodeToString(mac(text(params), J)) }
func asMap(params []pair) map[string]string {
	m := map[string]string{}
	for _, p := range params {
		m[p[0]] = p[1]
	}
	return m
}

func main() {
	phone := "37061234567"
	lightPairs := []pair{{"login", "YourLogin"}, {"timestamp", "1732809600"}, {"phone", phone}, {"sender", "My Shop"}, {"text", "Labas, žmogau! <b>"}, {"return", "json"}}
	mainPairs := []pair{{"project", "mainsms"}, {"sender", "My Shop"}, {"message", "Привет, мир"}, {"recipients", "89121231234,89121231235"}, {"test", "1"}}
	turkPairs := []pair{{"appId", "1"}, {"msisdn", "5321000000"}, {"message", "Günaydın şef"}, {"recipient[]", "5322000000"}, {"recipient[]", "5323000000"}, {"rand", "1331024400"}}

	// correct programs
	tell("", "lightsms", lightPairs, light(lightPairs))
	tell("", "payforsms", mainPairs, main_(mainPairs))
	tell("", "mesajlarim", turkPairs, turk(turkPairs))

	// order: a map that is walked gives another order every time
	for size := 4; size <= 12; size++ {
		names := []string{"timestamp", "login", "text", "sender", "phone", "return", "base", "template", "lang", "zone", "id", "mode"}[:size]
		params, m := []pair{}, map[string]string{}
		for i, name := range names {
			params = append(params, pair{name, fmt.Sprintf("v%d", i)})
			m[name] = fmt.Sprintf("v%d", i)
		}
		walked, order := "", []string{}
		for name, value := range m {
			walked += value
			order = append(order, name)
		}
		if !sort.StringsAreSorted(order) {
			tell("unsorted", "lightsms", params, md(walked+L))
		}
	}

	// names, queries, documents
	values := url.Values{}
	for _, p := range lightPairs {
		values.Add(p[0], p[1])
	}
	tell("query-signed", "lightsms", lightPairs, md(values.Encode()+L))
	tell("names-included", "lightsms", lightPairs, md(func() string { s, _ := url.QueryUnescape(values.Encode()); return s }()+L))
	document, _ := json.Marshal(asMap(lightPairs))
	tell("json-signed", "lightsms", lightPairs, md(string(document)+L))
	document, _ = json.MarshalIndent(asMap(lightPairs), "", "  ")
	tell("json-signed", "lightsms", lightPairs, md(string(document)+L))
	document, _ = json.Marshal(asMap(mainPairs))
	tell("json-signed", "payforsms", mainPairs, md(sha(string(document)+";"+M)))
	tell("map-printed", "lightsms", lightPairs, md(fmt.Sprint(asMap(lightPairs))+L))
	tell("map-printed", "lightsms", lightPairs, md(fmt.Sprint(values)+L))
	tell("map-printed", "lightsms", lightPairs, md(fmt.Sprint(sorted(lightPairs))+L))
	tell("separator-other", "lightsms", lightPairs, md(strings.TrimSuffix(fmt.Sprintln(func() (all []any) {
		for _, v := range sorted(lightPairs) {
			all = append(all, v)
		}
		return append(all, L)
	}()...), "\n")))

	// values
	tell("percent-encoded", "lightsms", lightPairs, light(each(lightPairs, url.QueryEscape)))
	tell("percent-encoded", "payforsms", mainPairs, main_(each(mainPairs, url.PathEscape)))
	tell("quoted", "lightsms", lightPairs, light(with(lightPairs, "text", strconv.Quote("Labas, žmogau! <b>"))))
	tell("quoted", "lightsms", lightPairs, light(with(lightPairs, "text", strconv.QuoteToASCII("Labas, žmogau! <b>"))))
	tell("quoted", "lightsms", lightPairs, light(with(lightPairs, "text", func() string { s, _ := json.Marshal("Labas, žmogau! <b>"); return string(s) }())))
	tell("bytes-printed", "lightsms", lightPairs, light(with(lightPairs, "text", []byte("Labas, žmogau! <b>"))))
	tell("bytes-printed", "lightsms", lightPairs, light(with(lightPairs, "text", fmt.Sprintf("%x", "Labas, žmogau! <b>"))))
	tell("list-joined", "payforsms", mainPairs, main_(with(mainPairs, "recipients", []string{"89121231234", "89121231235"})))
	tell("list-joined", "lightsms", lightPairs, light(with(lightPairs, "phone", []string{phone})))
	tell("list-joined", "mesajlarim", turkPairs, hex.EncodeToString(mac("1"+"5321000000"+"Günaydın şef"+fmt.Sprint([]string{"5322000000", "5323000000"})+"1331024400", J)))
	tell("boolean-as-word", "payforsms", mainPairs, main_(with(mainPairs, "test", true)))
	withoutTest := mainPairs[:4]
	tell("absent-as-word", "payforsms", withoutTest, main_(with(withoutTest, "test", any(nil))))
	tell("empty-kept", "payforsms", withoutTest, main_(with(withoutTest, "test", asMap(withoutTest)["test"])))
	number, _ := strconv.ParseFloat(phone, 64)
	whole, _ := strconv.ParseInt(phone, 10, 64)
	tell("number-printed", "lightsms", lightPairs, light(with(lightPairs, "phone", number)))
	tell("number-printed", "lightsms", lightPairs, light(with(lightPairs, "phone", fmt.Sprintf("%f", number))))
	tell("number-printed", "lightsms", lightPairs, light(with(lightPairs, "phone", int32(whole))))
	tell("number-printed", "lightsms", lightPairs, light(with(lightPairs, "phone", fmt.Sprintf("%g", number))))
	var document2 map[string]any
	_ = json.Unmarshal([]byte(`{"timestamp": 1732809600}`), &document2)
	tell("stamp-unit", "lightsms", lightPairs, light(with(lightPairs, "timestamp", document2["timestamp"])))
	now := time.Unix(1732809600, 123000000).UTC()
	tell("stamp-unit", "lightsms", lightPairs, light(with(lightPairs, "timestamp", now.UnixMilli())))
	tell("stamp-unit", "lightsms", lightPairs, light(with(lightPairs, "timestamp", time.Unix(1732809600, 0).UnixNano())))
	tell("stamp-unit", "lightsms", with(lightPairs, "timestamp", now.UnixMilli()), light(lightPairs))
	tell("stamp-format", "lightsms", lightPairs, light(with(lightPairs, "timestamp", time.Unix(1732809600, 0).UTC())))
	tell("stamp-format", "lightsms", lightPairs, light(with(lightPairs, "timestamp", now.Format(time.RFC3339))))
	tell("stamp-format", "lightsms", lightPairs, light(with(lightPairs, "timestamp", now.In(time.FixedZone("", 7200)).Format(time.RFC3339))))
	tell("stamp-format", "lightsms", lightPairs, light(with(lightPairs, "timestamp", now.Format(time.RFC1123))))
	at := time.Date(2031, 1, 15, 10, 0, 0, 0, time.UTC)
	later := with(mainPairs, "run_at", "15.01.2031 10:00")
	tell("time-format", "payforsms", later, main_(with(later, "run_at", at)))
	tell("time-format", "payforsms", later, main_(with(later, "run_at", at.Format(time.RFC3339))))
	tell("time-format", "payforsms", later, main_(with(later, "run_at", at.Unix())))

	// the key
	tell("key-misspelled", "lightsms", lightPairs, md(strings.Join(sorted(lightPairs), "")+L+"\n"))
	tell("key-misspelled", "lightsms", lightPairs, md(strings.Join(sorted(lightPairs), "")+fmt.Sprint([]byte(L))))
	tell("key-misspelled", "lightsms", lightPairs, md(strings.Join(sorted(lightPairs), "")+fmt.Sprintf("%q", L)))
	tell("key-misspelled", "lightsms", lightPairs, md(strings.Join(sorted(lightPairs), "")+base64.StdEncoding.EncodeToString([]byte(L))))
	tell("key-missing", "mesajlarim", turkPairs, hex.EncodeToString(mac(text(turkPairs), "")))

	// digests
	s := strings.Join(append(sorted(mainPairs), M), ";")
	first := sha1.Sum([]byte(s))
	second := md5.Sum([]byte(sha(s)))
	tell("wrong-between", "payforsms", mainPairs, md(string(first[:])))
	tell("wrong-between", "payforsms", mainPairs, md(strings.ToUpper(sha(s))))
	tell("wrong-between", "payforsms", mainPairs, md(fmt.Sprint(first)))
	tell("wrong-between", "payforsms", mainPairs, md(base64.StdEncoding.EncodeToString(first[:])))
	tell("base64", "payforsms", mainPairs, base64.StdEncoding.EncodeToString(second[:]))
	tell("base64", "payforsms", mainPairs, base64.RawURLEncoding.EncodeToString(second[:]))
	tell("upper-case", "payforsms", mainPairs, fmt.Sprintf("%X", second))
	tell("wrong-digest", "payforsms", mainPairs, fmt.Sprintf("%x", sha256.Sum256([]byte(s))))
	tell("nothing-hashed", "mesajlarim", turkPairs, func() string { h := sha1.New(); return hex.EncodeToString(h.Sum([]byte(text(turkPairs)))[len(text(turkPairs)):]) }())
	tell("hash-for-hmac", "mesajlarim", turkPairs, sha(text(turkPairs)+J))
	tell("hmac-swapped", "mesajlarim", turkPairs, hex.EncodeToString(mac(J, text(turkPairs))))
	tell("base64", "mesajlarim", turkPairs, base64.StdEncoding.EncodeToString(mac(text(turkPairs), J)))
	lead := with(lightPairs, "text", "x")
	for i := 0; !strings.HasPrefix(light(lead), "0"); i++ {
		lead = with(lightPairs, "text", fmt.Sprint("x", i))
	}
	big_, _ := new(big.Int).SetString(light(lead), 16)
	tell("zeros-dropped", "lightsms", lead, big_.Text(16))
}
