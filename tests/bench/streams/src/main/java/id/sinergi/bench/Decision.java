package id.sinergi.bench;

import com.fasterxml.jackson.databind.JsonNode;
import id.sinergi.bench.Pack.Mandate;
import id.sinergi.bench.Pack.Office;
import id.sinergi.bench.Pack.Place;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.locationtech.jts.geom.Point;

/** Who must know of one event, and how much. */
final class Decision {
  private static final List<String> ROLES = List.of("primary", "protection", "escalation", "support");

  static final class Notice {
    final Office office;
    final String role;
    String level;
    final String rule;
    final int row;
    final int minutes;
    final String actionId;
    final String actionEn;
    final boolean byArea;

    Notice(Office office, String role, String level, String rule, int row, int minutes, String id, String en,
        boolean byArea) {
      this.office = office;
      this.role = role;
      this.level = level.compareTo(office.cap()) < 0 ? level : office.cap();
      this.rule = rule;
      this.row = row;
      this.minutes = minutes;
      this.actionId = id;
      this.actionEn = en;
      this.byArea = byArea;
    }
  }

  private final Pack pack;
  private final JsonNode data;
  private final JsonNode where;
  private final Point point;
  private Place post;
  String area;
  String areaSource = "province";
  boolean conflict;
  final List<Notice> notices;
  final List<Notice> ladder;

  Decision(Pack pack, JsonNode data) {
    this.pack = pack;
    this.data = data;
    where = data.get("location");
    point = where.has("lat") ? Geography.point(where.get("lon").asDouble(), where.get("lat").asDouble()) : null;
    settle();
    notices = oneEach();
    ladder = lead();
  }

  boolean has(String need) {
    for (JsonNode one : data.path("needs")) {
      if (one.asText().equals(need)) {
        return true;
      }
    }
    return false;
  }

  private String text(JsonNode node, String name) {
    return node.path(name).asText("");
  }

  private void settle() {
    String kind = text(where, "kind");
    Place place = pack.places.get(text(where, kind.equals("abroad") ? "handoverPlaceCode" : "placeCode"));
    if (kind.equals("abroad")) {
      settled(place == null ? null : place.area(), place == null ? "province" : "handover");
      return;
    }
    if (kind.equals("post") && place != null && place.official()) {
      post = place;
      settled(place.area(), "post");
      return;
    }
    String told = text(where, "adminCode");
    boolean known = pack.geography.names.containsKey(told) || pack.kabupaten.containsKey(told);
    String inside = point == null ? null : pack.geography.areaAt(point);
    if (inside != null) {
      settled(inside, "polygon");
      conflict = known && pack.geography.metres(point, told) > 5_000;
    } else if (known) {
      settled(told, "admin_code");
    } else if (point != null) {
      snap(kind);
    }
  }

  private void snap(String kind) {
    String land = pack.geography.nearest(point, pack.number("LAND_SNAP", "max_distance"), code -> true);
    if (land != null) {
      settled(land, "land_snap");
    } else if (kind.equals("sea")) {
      String coast = pack.geography.nearest(
          point, pack.number("SEA_SNAP", "max_distance"), code -> pack.coastal.contains(code.substring(0, 5)));
      settled(coast, coast == null ? "province" : "sea_snap");
    }
  }

  private void settled(String code, String source) {
    area = code;
    areaSource = source;
  }

  private List<Notice> oneEach() {
    List<Notice> rows = new ArrayList<>();
    for (Mandate mandate : pack.mandates.getOrDefault(text(data, "situation"), List.of())) {
      mandated(mandate, rows);
    }
    if (point != null && !Set.of("post", "handover", "province").contains(areaSource)) {
      neighbours(rows);
      path(rows);
    }
    rows.sort(Comparator.comparingInt((Notice row) -> ROLES.indexOf(row.role)).thenComparingInt(row -> row.row));
    Map<String, Notice> found = new LinkedHashMap<>();
    for (Notice row : rows) {
      Notice best = found.putIfAbsent(row.office.code(), row);
      if (best != null && row.level.compareTo(best.level) > 0) {
        best.level = row.level;
      }
    }
    return new ArrayList<>(found.values());
  }

  private void mandated(Mandate mandate, List<Notice> rows) {
    for (String word : mandate.conditions()) {
      if (!holds(word)) {
        return;
      }
    }
    Office territorial = pack.competent(mandate.kind(), area);
    Office own = post == null ? null : pack.offices.get(post.offices().getOrDefault(mandate.kind(), ""));
    Office office = switch (mandate.scope()) {
      case "post" -> own;
      case "territory_only" -> territorial;
      case "territory" -> territorial != null ? territorial : pack.desk(mandate.kind());
      case "post_or_territory" ->
          own != null ? own : territorial != null ? territorial : pack.desk(mandate.kind());
      case "single" -> pack.byKind.get(mandate.kind()).get(0);
      case "province" -> pack.desk(mandate.kind());
      default -> null;
    };
    if (office != null) {
      boolean byArea = mandate.scope().contains("territory") && office == territorial && office != own;
      rows.add(new Notice(office, mandate.role(), mandate.level(), mandate.rule(), mandate.row(),
          mandate.minutes().get(text(data, "severity")), mandate.actionId(), mandate.actionEn(), byArea));
    }
  }

  private boolean holds(String word) {
    String severity = text(data, "severity");
    return switch (word) {
      case "always" -> true;
      case "ppa" -> data.get("people").get("minors").asInt() > 0 || has("ppa");
      case "vehicle" -> data.path("vehicles").size() > 0;
      case "post" -> post != null;
      case "offpost" -> post == null;
      case "border" -> pack.borderAreas.contains(area);
      case "sev_tinggi" -> severity.equals("tinggi") || severity.equals("kritis");
      case "sev_kritis" -> severity.equals("kritis");
      default -> has(word);
    };
  }

  private void neighbours(List<Notice> rows) {
    double radius = Math.max(pack.number("NEIGHBOUR", "radius"), where.path("accuracyM").asDouble(0));
    Set<String> others = new TreeSet<>();
    for (String code : pack.geography.within(point, Math.min(radius, 10_000))) {
      for (String kind : pack.rule("NEIGHBOUR", "kinds").split(";")) {
        Office other = pack.competent(kind, code);
        if (other != null && other != pack.competent(kind, area)) {
          others.add(other.code());
        }
      }
    }
    others.forEach(code -> rows.add(geometric("NEIGHBOUR", 1_000_000, pack.offices.get(code), "L1")));
  }

  private void path(List<Notice> rows) {
    JsonNode movement = data.path("movement");
    String rule = "NEXT_JURISDICTION";
    double speed = movement.path("speedKmh").asDouble(-1);
    if (!movement.has("headingDeg") || speed < pack.number(rule, "min_speed")) {
      return;
    }
    double heading = movement.get("headingDeg").asDouble();
    double metres = Math.min(
        Math.max(speed * 1000 * pack.number(rule, "lookahead"), pack.number(rule, "min_distance")),
        pack.number(rule, "max_distance"));
    List<String> passed = new ArrayList<>();
    double step = pack.number(rule, "step");
    for (int k = 0; k <= (int) (metres / step); k++) {
      String code = pack.geography.areaAt(pack.geography.ahead(point, heading, k * step));
      if (code != null) {
        passed.add(code);
      }
    }
    for (String kind : pack.rule(rule, "kinds").split(";")) {
      for (String code : passed) {
        Office other = pack.competent(kind, code);
        if (other != null && other != pack.competent(kind, area)) {
          rows.add(geometric(rule, 2_000_000, other, "L3"));
          break;
        }
      }
    }
    String suspicion = text(data, "suspicion");
    boolean grave = holds("sev_tinggi") && (suspicion.equals("TPPO") || suspicion.equals("both"));
    if (grave && pack.geography.crossesBorder(point, pack.geography.ahead(point, heading, metres))) {
      rows.add(geometric(
          "BORDER_EXIT", 3_000_000, pack.offices.get(pack.rule("BORDER_EXIT", "recipient")), "L2"));
    }
  }

  private Notice geometric(String rule, int row, Office office, String level) {
    int column = List.of(Pack.SEVERITIES).indexOf(text(data, "severity"));
    int minutes = Integer.parseInt(pack.rule(rule, "ack").split(";")[column]);
    return new Notice(office, "support", level, rule, row, minutes, pack.rule(rule, "action_id"),
        pack.rule(rule, "action_en"), false);
  }

  private List<Notice> lead() {
    List<Notice> primaries = new ArrayList<>();
    Set<Integer> minutes = new HashSet<>();
    for (Notice notice : notices) {
      if (notice.role.equals("primary")) {
        primaries.add(notice);
        minutes.add(notice.minutes);
      }
    }
    double radius = where.path("accuracyM").asDouble(0);
    boolean tied = minutes.size() < primaries.size() && point != null && radius > 0 && post == null;
    Map<Notice, Double> shares = new LinkedHashMap<>();
    for (Notice notice : primaries) {
      shares.put(notice, tied && notice.byArea
          ? pack.geography.share(
              point, radius, code -> pack.competent(notice.office.kind(), code) == notice.office)
          : 1.0);
    }
    primaries.sort(Comparator.comparingInt((Notice one) -> one.minutes)
        .thenComparingDouble(one -> -shares.get(one))
        .thenComparingInt(one -> one.row)
        .thenComparing(one -> one.office.code()));
    return primaries;
  }
}
