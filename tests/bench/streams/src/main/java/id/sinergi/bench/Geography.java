package id.sinergi.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LinearRing;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.prep.PreparedGeometry;
import org.locationtech.jts.geom.prep.PreparedGeometryFactory;
import org.locationtech.jts.index.strtree.STRtree;
import org.locationtech.jts.operation.distance.IndexedFacetDistance;

/** Areas and the border line on the grid of five decimals; distances in metres, limits inclusive. */
final class Geography {
  private static final GeometryFactory SHAPES = new GeometryFactory();
  private static final double STEP_M = 1.11195;

  private record Area(int index, String code, Geometry shape, PreparedGeometry prepared, IndexedFacetDistance edge) {
    double metres(Point point) {
      return prepared.intersects(point) ? 0 : edge.distance(point) * STEP_M;
    }
  }

  final List<String> codes = new ArrayList<>();
  final Map<String, String> names = new HashMap<>();
  private final Map<String, Area> areas = new HashMap<>();
  private final STRtree tree = new STRtree();
  private final PreparedGeometry border;

  Geography(JsonNode features, JsonNode lines) {
    List<JsonNode> sorted = new ArrayList<>();
    features.forEach(sorted::add);
    sorted.sort(Comparator.comparing(feature -> feature.get("properties").get("code").asText()));
    for (JsonNode feature : sorted) {
      String code = feature.get("properties").get("code").asText();
      Geometry shape = shape(feature.get("geometry"));
      Area area = new Area(
          codes.size(), code, shape, PreparedGeometryFactory.prepare(shape), new IndexedFacetDistance(shape));
      codes.add(code);
      names.put(code, feature.get("properties").get("name").asText());
      areas.put(code, area);
      tree.insert(shape.getEnvelopeInternal(), area);
    }
    tree.build();
    List<Geometry> parts = new ArrayList<>();
    lines.forEach(line -> parts.add(shape(line.get("geometry"))));
    border = PreparedGeometryFactory.prepare(SHAPES.buildGeometry(parts).union());
  }

  static Point point(double lon, double lat) {
    return SHAPES.createPoint(new Coordinate(grid(lon), grid(lat)));
  }

  String areaAt(Point point) {
    Area found = null;
    for (Object one : tree.query(point.getEnvelopeInternal())) {
      Area area = (Area) one;
      if ((found == null || area.index() < found.index()) && area.prepared().intersects(point)) {
        found = area;
      }
    }
    return found == null ? null : found.code();
  }

  List<String> within(Point point, double metres) {
    List<String> found = new ArrayList<>();
    for (Area area : around(point, metres)) {
      if (area.metres(point) <= metres + 1e-6) {
        found.add(area.code());
      }
    }
    return found;
  }

  String nearest(Point point, double metres, Predicate<String> wanted) {
    String best = null;
    double least = metres + 1e-6;
    for (Area area : around(point, metres)) {
      double distance = wanted.test(area.code()) ? area.metres(point) : Double.MAX_VALUE;
      if (distance < least - 1e-4 || best == null && distance <= least) {
        least = distance;
        best = area.code();
      }
    }
    return best;
  }

  double metres(Point point, String code) {
    double least = Double.MAX_VALUE;
    for (Area area : areas.values()) {
      if (area.code().equals(code) || area.code().startsWith(code + ".")) {
        least = Math.min(least, area.metres(point));
      }
    }
    return least;
  }

  double share(Point point, double radius, Predicate<String> own) {
    Geometry circle = point.buffer(radius / STEP_M, 64);
    double inside = 0;
    for (Object one : tree.query(circle.getEnvelopeInternal())) {
      Area area = (Area) one;
      if (own.test(area.code()) && area.prepared().intersects(circle)) {
        inside += area.shape().intersection(circle).getArea();
      }
    }
    return Math.round(100 * inside / circle.getArea()) / 100.0;
  }

  Point ahead(Point start, double heading, double metres) {
    double turn = Math.toRadians(heading);
    double step = metres / STEP_M;
    return SHAPES.createPoint(new Coordinate(
        thousandth(start.getX() + step * Math.sin(turn)), thousandth(start.getY() + step * Math.cos(turn))));
  }

  boolean crossesBorder(Point start, Point end) {
    return border.intersects(
        SHAPES.createLineString(new Coordinate[] {start.getCoordinate(), end.getCoordinate()}));
  }

  private List<Area> around(Point point, double metres) {
    Envelope box = new Envelope(point.getCoordinate());
    box.expandBy(metres / STEP_M + 1);
    List<Area> found = new ArrayList<>();
    for (Object one : tree.query(box)) {
      found.add((Area) one);
    }
    found.sort(Comparator.comparingInt(Area::index));
    return found;
  }

  private static Geometry shape(JsonNode geometry) {
    JsonNode at = geometry.get("coordinates");
    List<Geometry> parts = new ArrayList<>();
    switch (geometry.get("type").asText()) {
      case "Polygon" -> parts.add(polygon(at));
      case "MultiPolygon" -> at.forEach(part -> parts.add(polygon(part)));
      case "LineString" -> parts.add(SHAPES.createLineString(line(at)));
      default -> at.forEach(part -> parts.add(SHAPES.createLineString(line(part))));
    }
    return SHAPES.buildGeometry(parts);
  }

  private static Polygon polygon(JsonNode rings) {
    LinearRing[] holes = new LinearRing[rings.size() - 1];
    for (int i = 0; i < holes.length; i++) {
      holes[i] = SHAPES.createLinearRing(line(rings.get(i + 1)));
    }
    return SHAPES.createPolygon(SHAPES.createLinearRing(line(rings.get(0))), holes);
  }

  private static Coordinate[] line(JsonNode points) {
    Coordinate[] found = new Coordinate[points.size()];
    for (int i = 0; i < found.length; i++) {
      found[i] = new Coordinate(grid(points.get(i).get(0).asDouble()), grid(points.get(i).get(1).asDouble()));
    }
    return found;
  }

  private static double grid(double degrees) {
    return thousandth(degrees * 100_000);
  }

  private static double thousandth(double steps) {
    return Math.rint(steps * 1000) / 1000;
  }
}
