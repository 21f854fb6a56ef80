package id.sinergi.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import id.sinergi.bench.Decision.Notice;
import id.sinergi.bench.Pack.Field;
import id.sinergi.bench.Pack.Indicator;
import id.sinergi.bench.Pack.Place;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** All records that one event causes: alerts, job, thread, status, audit. */
final class Records {
  record Out(String topic, int partition, byte[] key, byte[] value, boolean cloudEvent) {}

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ZoneOffset WIB = ZoneOffset.ofHours(7);
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx");
  private static final DateTimeFormatter SECOND = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssXXX");
  private static final Set<String> LEFT_OUT_WHERE = Set.of("adminCode", "placeCode", "handoverPlaceCode");
  private static final Set<String> VEHICLES = Set.of("motor", "mobil", "minibus", "bus", "truk", "kapal");
  private static final Map<String, String> GROUPS = groups();

  private record Written(String code, String number, String link, String full, String thin, String due) {}

  private final Pack pack;
  private final JsonNode event;
  private final JsonNode data;
  private final Decision decision;
  private final String thread;
  private final String eventId;
  private final OffsetDateTime now = OffsetDateTime.now(WIB);
  private final String at = TIME.format(now);
  private final long receivedMs;
  private final ObjectNode whole;
  private final Map<String, ObjectNode> views = new HashMap<>();

  Records(Pack pack, JsonNode event, String thread, long receivedMs) {
    this.pack = pack;
    this.event = event;
    this.data = event.get("data");
    this.thread = thread;
    this.receivedMs = receivedMs;
    eventId = event.get("id").asText();
    decision = new Decision(pack, data);
    whole = whole();
  }

  List<Out> all(int partition, long offset) throws JsonProcessingException {
    List<Out> out = new ArrayList<>();
    List<Written> alerts = new ArrayList<>();
    for (Notice notice : decision.notices) {
      Written alert = alert(notice);
      alerts.add(alert);
      out.add(new Out("sinergi.alerts.v1." + alert.code(), 0, bytes(alert.link()), bytes(alert.full()), true));
    }
    ObjectNode place = JSON.createObjectNode().put("partition", partition).put("offset", offset);
    String number = data.get("eventNumber").asText();
    String source = event.get("source").asText().substring("urn:sinergi:sumber:".length()).replace(':', '.');
    out.add(new Out("sinergi.jobs.v1", partition, bytes(thread), job(alerts), true));
    out.add(new Out("sinergi.threads.v1", partition, bytes(thread), threadRecord(alerts, place), false));
    out.add(new Out("sinergi.status.v1." + source, 0, bytes(number), status(number), true));
    out.add(new Out("sinergi.audit.v1", partition, null, audit(alerts, place), true));
    return out;
  }

  private String lead() {
    return decision.ladder.isEmpty() ? null : decision.ladder.get(0).office.code();
  }

  // --- alerts

  private Written alert(Notice notice) throws JsonProcessingException {
    String code = notice.office.code();
    String number = Ids.alert(thread, eventId, code);
    String link = notice.office.abroad() ? Ids.blind(thread, code) : thread;
    String due = TIME.format(now.plusMinutes(notice.minutes));
    ObjectNode common = common(notice, number, due);
    ObjectNode full = envelope(number, link, code, notice.level);
    ObjectNode told = common.deepCopy();
    told.setAll(view(notice.level, notice.office.kind()));
    if (notice.level.equals("L3")) {
      ArrayNode others = others(notice);
      if (!others.isEmpty()) {
        told.set("otherRecipients", others);
      }
    }
    full.set("data", told);
    ObjectNode thin = envelope(number, link, code, "L1");
    common.setAll(view("L1", ""));
    thin.set("data", common);
    return new Written(code, number, link, JSON.writeValueAsString(full), JSON.writeValueAsString(thin), due);
  }

  private ObjectNode common(Notice notice, String number, String due) {
    ObjectNode common = JSON.createObjectNode().put("alertNumber", number).put("alertRevision", 1);
    common.putObject("recipient").put("code", notice.office.code()).put("kind", notice.office.kind())
        .put("role", notice.role);
    common.put("lead", notice.office.code().equals(lead()));
    ObjectNode routing = common.putObject("routing").put("rule", notice.rule)
        .put("areaSource", decision.areaSource);
    if (decision.area != null) {
      routing.put("adminCode", decision.area);
    }
    common.putObject("action").put("id", notice.actionId).put("en", notice.actionEn);
    common.put("ackDueAt", due);
    if (!notice.office.abroad()) {
      common.put("eventNumber", data.get("eventNumber").asText());
    }
    if (notice.office.escalatesTo() != null) {
      common.put("escalatesTo", notice.office.escalatesTo());
    }
    return common;
  }

  private ArrayNode others(Notice notice) {
    List<String> codes = new ArrayList<>();
    for (Notice other : decision.notices) {
      if (other != notice && !other.office.abroad()) {
        codes.add(other.office.code());
      }
    }
    Collections.sort(codes);
    ArrayNode others = JSON.createArrayNode();
    codes.forEach(others::add);
    return others;
  }

  private ObjectNode envelope(String number, String link, String code, String level) {
    String[] ids = Ids.ofAlert(number);
    ObjectNode envelope = JSON.createObjectNode().put("specversion", "1.0").put("id", ids[0])
        .put("source", "urn:sinergi:layanan:router").put("type", "id.sinergi.alert.issued.v1")
        .put("subject", number).put("time", at).put("datacontenttype", "application/json")
        .put("dataschema", "https://schema.sinergi.example/alert/1-0-0.json").put("partitionkey", link)
        .put("correlationid", link).put("causationid", ids[1]).put("recordedtime", at)
        .put("dataclassification", level.equals("L1") ? "confidential" : "restricted")
        .put("recipientcode", code).put("disclosurelevel", level);
    String expires = expires();
    return expires == null ? envelope : envelope.put("expirytime", expires);
  }

  private String expires() {
    String situation = data.get("situation").asText();
    if (data.path("danger").asBoolean() || data.get("people").get("minors").asInt() > 0 || decision.has("ppa")
        || decision.has("shelter") || decision.has("medical") || situation.equals("MINOR_AT_RISK")
        || situation.equals("VICTIM_DISCLOSURE")) {
      return null;
    }
    Map<String, Integer> steps = new LinkedHashMap<>();
    decision.ladder.forEach(one -> steps.put(one.office.code(), one.minutes));
    decision.ladder.forEach(one -> next(steps, one.office.escalatesTo()));
    decision.ladder.forEach(one -> next(steps, pack.rule("UNMAPPED", one.office.kind())));
    int minutes = steps.values().stream().limit(8).mapToInt(Integer::intValue).sum();
    return TIME.format(now.plusMinutes(Math.max(minutes + 24 * 60, 72 * 60)));
  }

  private void next(Map<String, Integer> steps, String code) {
    if (code != null) {
      steps.putIfAbsent(code, decision.ladder.get(0).minutes);
    }
  }

  // --- what a level may see

  private ObjectNode whole() {
    ObjectNode found = data.deepCopy();
    ObjectNode where = (ObjectNode) found.get("location");
    JsonNode told = data.get("location");
    where.remove(LEFT_OUT_WHERE);
    if (decision.area != null) {
      where.put("adminCode", decision.area);
    }
    for (String name : List.of("placeCode", "handoverPlaceCode")) {
      if (pack.places.containsKey(told.path(name).asText(""))) {
        where.set(name, told.get(name));
      }
    }
    for (JsonNode one : found.path("vehicles")) {
      if (!VEHICLES.contains(one.path("kind").asText())) {
        ((ObjectNode) one).remove("kind");
      }
    }
    Map<String, Indicator> known = new HashMap<>();
    for (JsonNode one : found.get("indicators")) {
      Indicator row = pack.indicators.get(one.get("code").asText());
      ((ObjectNode) one).put("weight", row == null ? 0 : row.weight());
      if (row != null && row.scored()) {
        known.put(one.get("code").asText(), row);
      }
    }
    int score = known.values().stream().filter(row -> known.size() - 1 >= row.company())
        .mapToInt(Indicator::weight).sum();
    return found.put("score", score).put("reportedAt", data.get("reportedAt").asText().replace("+00:00", "Z"));
  }

  private ObjectNode view(String level, String kind) {
    ObjectNode made = views.get(level + kind);
    if (made == null) {
      made = makeView(level, kind);
      views.put(level + kind, made);
    }
    return made;
  }

  private ObjectNode makeView(String level, String kind) {
    ObjectNode told = JSON.createObjectNode();
    List<String> redacted = new ArrayList<>();
    for (Field field : pack.fields) {
      boolean shown = level.compareTo(field.least()) >= 0 || field.kinds().contains(kind);
      if (shown || field.path().equals("location.placeCode") && publicPlace()) {
        copy(told, field);
      } else if (!field.path().equals("situation") && !field.path().equals("location.placeCode")) {
        redacted.add(field.path());
      }
    }
    told.remove(List.of("eventNumber", "revision"));
    OffsetDateTime observed = OffsetDateTime.parse(data.get("observedAt").asText());
    if (!level.equals("L3")) {
      observed = observed.withMinute(observed.getMinute() / 15 * 15).withSecond(0);
    }
    String situation = data.get("situation").asText();
    Map<String, String> labels = pack.situations.get(situation);
    told.put("eventRevision", data.get("revision").asInt()).put("observedAt", SECOND.format(observed))
        .put("observedPrecision", level.equals("L3") ? "second" : "15min").put("disclosureLevel", level)
        .put("policyVersion", pack.version).put("msgType", "Alert")
        .put("headline", headline(labels.get(level.equals("L1") ? "l1_label_id" : "label_id")));
    if (level.equals("L1")) {
      told.put("situation", labels.get("l1_category"));
      cutNeeds(told, kind);
    }
    withheld(told.putArray("withheld"), level, redacted);
    redacted.forEach(told.putArray("redacted")::add);
    return told.put("latencyMs", Math.max(0, now.toInstant().toEpochMilli() - receivedMs));
  }

  private void copy(ObjectNode told, Field field) {
    JsonNode value = whole.get(field.top());
    if (value == null || value.isContainerNode() && value.isEmpty()) {
      return;
    }
    if (field.part() == null) {
      told.set(field.top(), value);
    } else if (value.isArray()) {
      ArrayNode items = told.has(field.top()) ? (ArrayNode) told.get(field.top()) : told.putArray(field.top());
      for (int i = 0; i < value.size(); i++) {
        ObjectNode item = i < items.size() ? (ObjectNode) items.get(i) : items.addObject();
        part(item, value.get(i), field.part());
      }
    } else if (value.has(field.part())) {
      part(told.has(field.top()) ? (ObjectNode) told.get(field.top()) : told.putObject(field.top()), value,
          field.part());
    }
  }

  private static void part(ObjectNode to, JsonNode from, String name) {
    if (from.has(name)) {
      to.set(name, from.get(name));
    }
  }

  private void cutNeeds(ObjectNode told, String kind) {
    String own = kind.equals("IMI_RUDENIM") ? "foreign_custody" : kind.equals("BKK") ? "medical" : "";
    told.remove("needs");
    if (decision.has(own)) {
      told.putArray("needs").add(own);
    }
  }

  private boolean publicPlace() {
    Place place = pack.places.get(data.get("location").path("placeCode").asText(""));
    return place != null && place.official();
  }

  private String headline(String label) {
    String name = decision.area == null ? pack.province
        : pack.geography.names.getOrDefault(decision.area, pack.kabupaten.get(decision.area));
    String text = "Peringatan Dini: " + label + " - " + name;
    return text.length() <= 160 ? text : text.substring(0, 159) + "…";
  }

  private void withheld(ArrayNode groups, String level, List<String> redacted) {
    GROUPS.forEach((group, field) -> {
      boolean protection = group.equals("protection_needs");
      if (redacted.contains(field) || protection && level.equals("L1")) {
        groups.addObject().put("group", group).put("askDesk", pack.rule("UNMAPPED", protection ? "PPA" : "IMI"));
      }
    });
  }

  // --- the other records

  private byte[] job(List<Written> alerts) throws JsonProcessingException {
    ObjectNode job = JSON.createObjectNode().put("threadId", thread).put("eventId", eventId)
        .put("status", data.get("status").asText()).put("severity", data.get("severity").asText())
        .put("decidedAt", at)
        .put("receivedAt", TIME.format(Instant.ofEpochMilli(receivedMs).atOffset(WIB)));
    ArrayNode entries = job.putArray("entries");
    for (Written alert : alerts) {
      entries.addObject().put("recipient", alert.code()).putRawValue("full", new RawValue(alert.full()))
          .putRawValue("thin", new RawValue(alert.thin()));
    }
    return ours("id.sinergi.job.queued.v1", "job", eventId, job);
  }

  private byte[] threadRecord(List<Written> alerts, ObjectNode place) throws JsonProcessingException {
    ObjectNode record = JSON.createObjectNode().put("threadId", thread).put("source", event.get("source").asText())
        .put("eventNumber", data.get("eventNumber").asText()).put("status", data.get("status").asText())
        .put("state", "open").put("revision", data.get("revision").asInt())
        .put("highestSeverity", data.get("severity").asText()).put("lead", lead());
    ObjectNode informed = record.putObject("informed");
    for (int i = 0; i < alerts.size(); i++) {
      Notice notice = decision.notices.get(i);
      informed.putObject(notice.office.code()).put("role", notice.role).put("level", notice.level)
          .put("alertNumber", alerts.get(i).number()).put("alertRevision", 1).put("ackDueAt", alerts.get(i).due());
    }
    ObjectNode digested = event.deepCopy();
    digested.remove(List.of("traceparent", "tracestate", "recordedtime", "partitionkey"));
    record.putObject("seen").put(eventId, Ids.hex(JSON.writeValueAsBytes(digested)));
    record.set("event", place);
    return JSON.writeValueAsBytes(record.put("decidedAt", at).put("policyVersion", pack.version));
  }

  private byte[] status(String number) throws JsonProcessingException {
    return ours("id.sinergi.movement.status.v1", "status", number, JSON.createObjectNode().put("eventId", eventId)
        .put("eventNumber", number).put("revision", data.get("revision").asInt()).put("state", "routed")
        .put("at", at));
  }

  private byte[] audit(List<Written> alerts, ObjectNode place) throws JsonProcessingException {
    ObjectNode audited = JSON.createObjectNode().put("threadId", thread).put("eventId", eventId)
        .put("outcome", "routed").put("areaSource", decision.areaSource);
    if (decision.area != null) {
      audited.put("adminCode", decision.area);
    }
    audited.put("areaConflict", decision.conflict).put("late", false).put("lead", lead());
    ArrayNode told = audited.putArray("told");
    for (int i = 0; i < alerts.size(); i++) {
      Notice notice = decision.notices.get(i);
      told.addObject().put("recipient", notice.office.code()).put("role", notice.role).put("level", notice.level)
          .put("rule", notice.rule).put("alertNumber", alerts.get(i).number()).put("alertRevision", 1);
    }
    audited.set("event", place);
    return ours("id.sinergi.audit.decided.v1", "audit", eventId,
        audited.put("decidedAt", at).put("policyVersion", pack.version));
  }

  private byte[] ours(String type, String noun, String subject, ObjectNode told) throws JsonProcessingException {
    ObjectNode message = JSON.createObjectNode().put("specversion", "1.0").put("id", Ids.uuid(noun, thread, eventId))
        .put("source", "urn:sinergi:layanan:router").put("type", type).put("subject", subject).put("time", at)
        .put("datacontenttype", "application/json")
        .put("dataschema", "https://schema.sinergi.example/" + noun + "/1-0-0.json").put("partitionkey", thread)
        .put("correlationid", thread).put("causationid", eventId);
    message.set("data", told);
    return JSON.writeValueAsBytes(message);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, String> groups() {
    Map<String, String> groups = new LinkedHashMap<>();
    groups.put("identity_refs", "documentRefs.ref");
    groups.put("exact_place", "location.lat");
    groups.put("route", "movement.headingDeg");
    groups.put("vehicles", "vehicles.ref");
    groups.put("indicators", "indicators.code");
    groups.put("note", "note.text");
    groups.put("protection_needs", "needs");
    return groups;
  }
}
