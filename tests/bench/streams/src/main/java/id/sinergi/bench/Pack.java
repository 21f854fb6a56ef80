package id.sinergi.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;

/** A region pack's tables, arranged so that a rule finds what it needs by one look-up. */
final class Pack {
  record Office(
      String code, String kind, List<String> jurisdiction, String cap, String escalatesTo, boolean active) {
    boolean abroad() {
      return jurisdiction.stream().allMatch(code -> code.startsWith("MY"));
    }
  }

  record Mandate(
      int row, String rule, String kind, String scope, String[] conditions, String role, String level,
      Map<String, Integer> minutes, String actionId, String actionEn) {}

  record Place(String area, boolean official, Map<String, String> offices) {}

  record Indicator(int weight, int company, boolean scored) {}

  record Field(String top, String part, String path, String least, Set<String> kinds) {}

  static final String[] SEVERITIES = {"kritis", "tinggi", "sedang", "rendah"};

  final Map<String, Office> offices = new HashMap<>();
  final Map<String, List<Office>> byKind = new HashMap<>();
  final Map<String, List<Mandate>> mandates = new HashMap<>();
  final Map<String, Place> places = new HashMap<>();
  final Map<String, String> rules = new HashMap<>();
  final Map<String, Map<String, String>> situations = new HashMap<>();
  final Map<String, Indicator> indicators = new HashMap<>();
  final List<Field> fields = new ArrayList<>();
  final Set<String> borderAreas = new HashSet<>();
  final Map<String, String> kabupaten = new HashMap<>();
  final Set<String> coastal = new HashSet<>();
  final Geography geography;
  final String version;
  final String province;
  private final Map<String, Office> competent = new HashMap<>();
  private final Path folder;

  Pack(Path folder, String version, String province) throws IOException {
    this.folder = folder;
    this.version = version;
    this.province = province;
    geography = new Geography(json("areas.geojson"), json("border.geojson"));
    readOffices();
    readMandates();
    readRest();
    List<String> areas = new ArrayList<>(geography.codes);
    areas.addAll(kabupaten.keySet());
    byKind.forEach((kind, all) -> areas.forEach(area -> longest(kind, all, area)));
  }

  /** The office of a kind that is competent for an area, by its longest code, or null. */
  Office competent(String kind, String area) {
    return competent.get(kind + "|" + area);
  }

  double number(String rule, String parameter) {
    return Double.parseDouble(rules.get(rule + "|" + parameter));
  }

  String rule(String rule, String parameter) {
    return rules.get(rule + "|" + parameter);
  }

  Office desk(String kind) {
    return offices.get(rule("UNMAPPED", kind));
  }

  private void longest(String kind, List<Office> all, String area) {
    int best = -1;
    for (Office office : all) {
      for (String code : office.jurisdiction()) {
        if (code.length() > best && (area.equals(code) || area.startsWith(code + "."))) {
          best = code.length();
          competent.put(kind + "|" + area, office);
        }
      }
    }
  }

  private void readOffices() throws IOException {
    for (Map<String, String> row : csv("recipients")) {
      Office office = new Office(
          row.get("code"), row.get("kind"), List.of(row.get("jurisdiction").split("\\s*,\\s*")),
          row.get("max_disclosure"), blank(row.get("escalates_to")), row.get("active").equals("ya"));
      offices.put(office.code(), office);
      if (office.active()) {
        byKind.computeIfAbsent(office.kind(), kind -> new ArrayList<>()).add(office);
      }
    }
  }

  private void readMandates() throws IOException {
    int number = 0;
    for (Map<String, String> row : csv("mandates")) {
      Map<String, Integer> minutes = new HashMap<>();
      for (String severity : SEVERITIES) {
        String cell = row.get("ack_" + severity + "_min");
        if (!cell.isEmpty()) {
          minutes.put(severity, Integer.valueOf(cell));
        }
      }
      mandates.computeIfAbsent(row.get("situation"), situation -> new ArrayList<>()).add(new Mandate(
          number++, row.get("rule_id"), row.get("recipient_kind"), row.get("scope"),
          row.get("condition").split("&"), row.get("role"), row.get("disclosure"), minutes,
          row.get("action_id"), row.get("action_en")));
    }
  }

  private void readRest() throws IOException {
    for (Map<String, String> row : csv("places")) {
      Map<String, String> own = new HashMap<>();
      own.put("IMI", row.get("kanim"));
      own.put("BC", row.get("kppbc"));
      own.put("BNPP", row.get("bnpp"));
      own.put("BKK", row.get("bkk"));
      places.put(row.get("place_code"), new Place(row.get("kode_kec"), row.get("pos_resmi").equals("ya"), own));
    }
    for (Map<String, String> row : csv("routing_rules")) {
      rules.put(row.get("rule") + "|" + row.get("parameter"), row.get("value"));
    }
    for (Map<String, String> row : csv("situations")) {
      situations.put(row.get("situation"), row);
    }
    for (Map<String, String> row : csv("indicators")) {
      String company = row.get("min_corroboration");
      indicators.put(row.get("code"), new Indicator(
          Integer.parseInt(row.get("base_weight")), company.isEmpty() ? 0 : Integer.parseInt(company),
          row.get("scored").equals("ya")));
    }
    for (Map<String, String> row : csv("field_visibility")) {
      String[] parts = row.get("field").split("\\.");
      String kinds = row.get("extra_kinds");
      fields.add(new Field(
          parts[0], parts.length > 1 ? parts[1] : null, row.get("field"), row.get("min_level"),
          kinds.isEmpty() ? Set.of() : Set.of(kinds.split(";"))));
    }
    for (Map<String, String> row : csv("border_kecamatan")) {
      borderAreas.add(row.get("kode_kec"));
    }
    for (Map<String, String> row : csv("admin_kabkota")) {
      kabupaten.put(row.get("kode"), row.get("nama"));
      if (row.get("berpesisir").equals("ya")) {
        coastal.add(row.get("kode"));
      }
    }
  }

  private JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(Files.readAllBytes(folder.resolve(name))).get("features");
  }

  private List<Map<String, String>> csv(String table) throws IOException {
    CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser parser = CSVParser.parse(folder.resolve(table + ".csv"), StandardCharsets.UTF_8, format)) {
      List<Map<String, String>> rows = new ArrayList<>();
      parser.forEach(row -> rows.add(row.toMap()));
      return rows;
    }
  }

  private static String blank(String cell) {
    return cell.isEmpty() ? null : cell;
  }
}
