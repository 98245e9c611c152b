// Programs that sign wrongly, as people write them in Java. One JSON object a line: see generate.py.
import java.math.BigInteger;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.Collator;
import java.text.NumberFormat;
import java.time.*;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Mistakes {
    static final String L = "your_api_key_here", M = "07349e954831d", J = "mySecret";
    static final Charset UTF8 = StandardCharsets.UTF_8;
    static final java.io.PrintStream OUT = new java.io.PrintStream(System.out, true, UTF8);

    static String json(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) b.append(c < 0x80 && c >= 0x20 && c != '"' && c != '\\' ? "" + c : String.format("\\u%04x", (int) c));
        return b.append('"').toString();
    }
    static void tell(String name, String vendor, Map<String, String> params, String signature) {
        int line = StackWalker.getInstance().walk(s -> s.skip(1).findFirst().get().getLineNumber());
        String pairs = params.entrySet().stream().flatMap(e -> Arrays.stream(e.getKey().endsWith("[]") ? e.getValue().split(",") : new String[] {e.getValue()})
            .map(v -> "[" + json(e.getKey()) + ", " + json(v) + "]")).collect(Collectors.joining(", "));
        OUT.printf("{\"name\": %s, \"vendor\": %s, \"line\": %d, \"params\": [%s], \"signature\": %s}%n", json(name), json(vendor), line, pairs, json(signature));
    }
    static byte[] digest(String algorithm, byte[] data) throws Exception { return MessageDigest.getInstance(algorithm).digest(data); }
    static String hex(byte[] data) { StringBuilder b = new StringBuilder(); for (byte one : data) b.append(String.format("%02x", one)); return b.toString(); }
    static String md5(String text) throws Exception { return hex(digest("MD5", text.getBytes(UTF8))); }
    static String sha1(String text) throws Exception { return hex(digest("SHA-1", text.getBytes(UTF8))); }
    static byte[] mac(String algorithm, String text, String key) throws Exception { Mac m = Mac.getInstance(algorithm); m.init(new SecretKeySpec(key.getBytes(UTF8), algorithm)); return m.doFinal(text.getBytes(UTF8)); }
    static Map<String, String> map(String... words) { Map<String, String> m = new LinkedHashMap<>(); for (int i = 0; i < words.length; i += 2) m.put(words[i], words[i + 1]); return m; }
    static Map<String, String> with(Map<String, String> p, String name, Object value) { Map<String, String> m = new LinkedHashMap<>(p); m.put(name, String.valueOf(value)); return m; }
    static Map<String, String> each(Map<String, String> p, UnaryOperator<String> f) { Map<String, String> m = new LinkedHashMap<>(); p.forEach((k, v) -> m.put(k, f.apply(v))); return m; }
    static String glued(Map<String, String> p) { return String.join("", p.values()); }
    static String light(Map<String, String> p, String key) throws Exception { return md5(glued(new TreeMap<>(p)) + key); }
    static String light(Map<String, String> p) throws Exception { return light(p, L); }
    static String joined(Map<String, String> p) { return String.join(";", new TreeMap<>(p).values()); }
    static String main(Map<String, String> p) throws Exception { return md5(sha1(joined(p) + ";" + M)); }
    static String text(Map<String, String> p) { return p.get("appId") + p.get("msisdn") + p.get("message") + p.get("recipient[]").replace(",", "") + p.get("rand"); }
    static String encode(String v) { return URLEncoder.encode(v, UTF8); }

    public static void main(String[] none) throws Exception {
        Map<String, String> light = map("login", "YourLogin", "timestamp", "1732809600", "phone", "37061234567", "sender", "My Shop", "text", "Labas, žmogau! *1*", "return", "json");
        Map<String, String> main = map("project", "mainsms", "sender", "My Shop", "message", "Привет, мир", "recipients", "89121231234,89121231235", "test", "1");
        Map<String, String> turk = map("appId", "1", "msisdn", "5321000000", "message", "Günaydın şef", "recipient[]", "5322000000,5323000000", "rand", "1331024400");

        // correct programs
        tell("", "lightsms", light, light(light));
        tell("", "payforsms", main, main(main));
        tell("", "mesajlarim", turk, hex(mac("HmacSHA1", text(turk), J)));

        // order
        String[] names = {"timestamp", "login", "text", "sender", "phone", "return", "base", "template", "lang", "zone", "id", "Mode", "sendingTime", "batch"};
        for (int size = 8; size <= 14; size++) {
            Map<String, String> given = new LinkedHashMap<>();
            for (int i = 0; i < size; i++) given.put(names[i], "v" + (size - i));
            tell("unsorted", "lightsms", given, md5(glued(new HashMap<>(given)) + L));
            Map<String, String> grown = new HashMap<>(); given.forEach(grown::put);
            tell("unsorted", "lightsms", given, md5(glued(grown) + L));
            tell("unsorted", "lightsms", given, md5(glued(new Hashtable<>(given)) + L));
            tell("unsorted", "lightsms", given, md5(glued(new ConcurrentHashMap<>(given)) + L));
        }
        Map<String, String> many = new LinkedHashMap<>();
        for (int i = 0; i < 12; i++) many.put(names[i], "v" + (12 - i));
        tell("unsorted", "lightsms", many, md5(glued(many) + L));
        Map<String, String> folded = new TreeMap<>(String.CASE_INSENSITIVE_ORDER); folded.putAll(many);
        tell("sorted-by-locale", "lightsms", many, md5(glued(folded) + L));
        Map<String, String> collated = new TreeMap<>(Collator.getInstance(Locale.ENGLISH)); collated.putAll(many);
        tell("sorted-by-locale", "lightsms", many, md5(glued(collated) + L));
        Map<String, String> reverse = new TreeMap<>(Comparator.reverseOrder()); reverse.putAll(many);
        tell("reversed", "lightsms", many, md5(glued(reverse) + L));
        tell("sorted-by-value", "lightsms", many, md5(many.values().stream().sorted().collect(Collectors.joining()) + L));

        // names, queries, documents
        TreeMap<String, String> sorted = new TreeMap<>(light);
        tell("query-signed", "lightsms", light, md5(sorted.entrySet().stream().map(e -> e.getKey() + "=" + encode(e.getValue())).collect(Collectors.joining("&")) + L));
        tell("names-included", "lightsms", light, md5(sorted.entrySet().stream().map(Object::toString).collect(Collectors.joining("&")) + L));
        tell("names-included", "lightsms", light, md5(sorted.entrySet().stream().map(Object::toString).collect(Collectors.joining(", ")) + L));
        tell("map-printed", "lightsms", light, md5(sorted + L));
        tell("map-printed", "lightsms", light, md5(light + L));
        tell("map-printed", "lightsms", light, md5(sorted.values() + L));
        tell("map-printed", "payforsms", main, md5(sha1(new HashMap<>(main) + ";" + M)));

        // values
        tell("percent-encoded", "lightsms", light, light(each(light, Mistakes::encode)));
        tell("percent-encoded", "payforsms", main, main(each(main, v -> encode(v).replace("+", "%20"))));
        tell("percent-encoded-charset", "payforsms", main, main(each(main, v -> URLEncoder.encode(v, Charset.forName("windows-1251")))));
        tell("list-joined", "payforsms", main, main(with(main, "recipients", List.of("89121231234", "89121231235"))));
        tell("list-joined", "lightsms", light, light(with(light, "phone", List.of("37061234567"))));
        tell("list-joined", "mesajlarim", turk, hex(mac("HmacSHA1", "15321000000Günaydın şef" + Arrays.asList("5322000000", "5323000000") + "1331024400", J)));
        tell("boolean-as-word", "payforsms", main, main(with(main, "test", true)));
        Map<String, String> without = new LinkedHashMap<>(main); without.remove("test");
        tell("absent-as-word", "payforsms", without, main(with(without, "test", null)));
        tell("absent-as-word", "payforsms", without, main(with(without, "test", Optional.empty())));
        tell("number-printed", "lightsms", light, light(with(light, "phone", Double.parseDouble("37061234567"))));
        tell("number-printed", "lightsms", light, light(with(light, "phone", (int) 37061234567L)));
        tell("number-printed", "lightsms", light, light(with(light, "phone", (int) 37061234567.0)));
        tell("number-printed", "lightsms", light, light(with(light, "phone", NumberFormat.getInstance(Locale.ENGLISH).format(37061234567L))));
        tell("number-printed", "lightsms", light, light(with(light, "phone", NumberFormat.getInstance(Locale.GERMANY).format(37061234567L))));
        tell("number-printed", "lightsms", light, light(with(light, "phone", NumberFormat.getInstance(new Locale("ru", "RU")).format(37061234567L))));
        tell("number-printed", "payforsms", main, main(with(main, "test", 1.0)));
        tell("letter-case", "mesajlarim", turk, hex(mac("HmacSHA1", text(with(turk, "message", "Günaydın şef".toUpperCase(new Locale("tr")))), J)));
        Map<String, String> capital = with(light, "login", "ILGIN"), small = with(light, "login", "info");
        tell("letter-case", "lightsms", capital, light(with(capital, "login", "ILGIN".toLowerCase(new Locale("tr")))));
        tell("letter-case", "lightsms", small, light(with(small, "login", "info".toUpperCase(new Locale("tr")))));
        Instant now = Instant.ofEpochSecond(1732809600);
        tell("stamp-unit", "lightsms", light, light(with(light, "timestamp", now.toEpochMilli() + 987)));
        tell("stamp-unit", "lightsms", light, light(with(light, "timestamp", 1732809600123L / 1000.0)));
        tell("stamp-format", "lightsms", light, light(with(light, "timestamp", now)));
        tell("stamp-format", "lightsms", light, light(with(light, "timestamp", now.atOffset(ZoneOffset.ofHours(3)))));
        tell("stamp-format", "lightsms", light, light(with(light, "timestamp", now.atZone(ZoneId.of("UTC")).toLocalDateTime())));
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        tell("stamp-format", "lightsms", light, light(with(light, "timestamp", new Date(1732809600000L))));
        Map<String, String> later = with(main, "run_at", "15.01.2031 10:00");
        tell("time-format", "payforsms", later, main(with(later, "run_at", LocalDateTime.of(2031, 1, 15, 10, 0))));
        tell("time-format", "payforsms", later, main(with(later, "run_at", new Date(Instant.parse("2031-01-15T10:00:00Z").toEpochMilli()))));
        tell("time-format", "payforsms", later, main(with(later, "run_at", Instant.parse("2031-01-15T10:00:00Z"))));
        tell("trimmed", "lightsms", with(light, "text", " a b "), light(with(light, "text", " a b ".trim())));
        tell("text-cut", "lightsms", with(light, "text", "0123456789".repeat(20)), light(with(light, "text", "0123456789".repeat(20).substring(0, 160))));

        // the key
        tell("key-misspelled", "lightsms", light, light(light, L + "\r\n"));
        tell("key-misspelled", "lightsms", light, light(light, String.valueOf((Object) null)));
        tell("key-misspelled", "lightsms", light, light(light, Arrays.toString(L.toCharArray())));
        tell("key-misspelled", "lightsms", light, light(light, Optional.of(L).toString()));
        tell("key-misspelled", "lightsms", light, light(light, Base64.getEncoder().encodeToString(L.getBytes())));
        tell("key-placed", "lightsms", light, md5(L + glued(sorted)));
        tell("key-from-value", "lightsms", light, light(light, light.get("login")));

        // digests
        String s = joined(main) + ";" + M;
        byte[] first = digest("SHA-1", s.getBytes(UTF8)), second = digest("MD5", sha1(s).getBytes(UTF8));
        tell("wrong-between", "payforsms", main, hex(digest("MD5", first)));
        tell("wrong-between", "payforsms", main, md5(new String(first, StandardCharsets.ISO_8859_1)));
        tell("wrong-between", "payforsms", main, md5(new String(first, UTF8)));
        tell("wrong-between", "payforsms", main, md5(Base64.getEncoder().encodeToString(first)));
        tell("wrong-between", "payforsms", main, md5(Arrays.toString(first)));
        tell("wrong-between", "payforsms", main, md5(new BigInteger(1, first).toString(16).toUpperCase()));
        Map<String, String> lead = main;
        for (int i = 0; !main(lead).matches("(..)*0.*"); i++) lead = with(main, "message", "x" + i);
        StringBuilder loose = new StringBuilder(); for (byte b : digest("MD5", sha1(joined(lead) + ";" + M).getBytes(UTF8))) loose.append(Integer.toHexString(b & 0xff));
        tell("zeros-dropped", "payforsms", lead, loose.toString());
        StringBuilder wide = new StringBuilder(); for (byte b : second) wide.append(Integer.toHexString(b));
        tell("bytes-signed", "payforsms", main, wide.toString());
        StringBuilder between = new StringBuilder(); for (byte b : first) between.append(Integer.toHexString(b & 0xff));
        tell("wrong-between", "payforsms", main, md5(between.toString()));
        between = new StringBuilder(); for (byte b : first) between.append(Integer.toHexString(b));
        tell("wrong-between", "payforsms", main, md5(between.toString()));
        tell("base64", "payforsms", main, Base64.getEncoder().encodeToString(second));
        tell("wrong-digest", "payforsms", main, sha1(md5(s)));
        tell("hmac-for-hash", "payforsms", main, hex(mac("HmacMD5", joined(main), M)));
        tell("hmac-swapped", "mesajlarim", turk, hex(mac("HmacSHA1", J, text(turk))));
        tell("wrong-digest", "mesajlarim", turk, hex(mac("HmacSHA256", text(turk), J)));
        tell("base64", "mesajlarim", turk, Base64.getEncoder().encodeToString(mac("HmacSHA1", text(turk), J)));
        tell("charset", "payforsms", main, md5(hex(digest("SHA-1", s.getBytes(StandardCharsets.ISO_8859_1)))));
        tell("charset", "payforsms", main, md5(hex(digest("SHA-1", s.getBytes(StandardCharsets.UTF_16)))));
        tell("charset", "payforsms", main, md5(hex(digest("SHA-1", s.getBytes("windows-1251")))));
        tell("utf-8-twice", "payforsms", main, md5(sha1(new String(s.getBytes(UTF8), StandardCharsets.ISO_8859_1))));
    }
}
