package id.sinergi.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import id.sinergi.bench.Records.Out;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/** The router's job for events that open a thread, in Kafka Streams, exactly once. One JSON argument. */
public final class Bench {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final byte[] CLOUD_EVENT =
      "application/cloudevents+json".getBytes(StandardCharsets.UTF_8);

  private Bench() {}

  /** Routes until it is stopped. */
  public static void main(String[] arguments) throws IOException {
    JsonNode told = JSON.readTree(arguments[0]);
    Pack pack = new Pack(
        Path.of(told.get("pack").asText()), told.get("policy_version").asText(), told.get("province").asText());
    StreamsBuilder builder = new StreamsBuilder();
    Serde<Out> values = Serdes.serdeFrom((topic, out) -> out.value(), (topic, bytes) -> null);
    builder.stream("sinergi.events.v1", Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .process(() -> new Router(pack))
        .to((key, out, context) -> out.topic(), Produced.with(Serdes.ByteArray(), values)
            .withStreamPartitioner((topic, key, out, count) -> Optional.of(Set.of(out.partition()))));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(told));
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
          .SHUTDOWN_APPLICATION;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
    streams.start();
  }

  private static Properties settings(JsonNode told) {
    Properties settings = new Properties();
    settings.putAll(Map.ofEntries(
        Map.entry("application.id", told.get("group").asText()),
        Map.entry("bootstrap.servers", told.get("kafka").asText()),
        Map.entry("state.dir", told.get("state").asText()),
        Map.entry("processing.guarantee", "exactly_once_v2"),
        Map.entry("commit.interval.ms", told.get("commit_ms").asText()),
        Map.entry("num.stream.threads", told.get("threads").asText()),
        Map.entry("replication.factor", "1"),
        Map.entry("consumer.auto.offset.reset", "earliest"),
        Map.entry("consumer.fetch.max.wait.ms", "50"),
        Map.entry("consumer.max.poll.records", "2000"),
        Map.entry("producer.linger.ms", "5"),
        Map.entry("producer.batch.size", "262144"),
        Map.entry("producer.buffer.memory", "134217728")));
    return settings;
  }

  private static final class Router implements Processor<byte[], byte[], byte[], Out> {
    private final Pack pack;
    private final Set<String> seen = new HashSet<>();
    private ProcessorContext<byte[], Out> context;

    Router(Pack pack) {
      this.pack = pack;
    }

    @Override
    public void init(ProcessorContext<byte[], Out> given) {
      context = given;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        JsonNode event = JSON.readTree(record.value());
        String thread = Ids.thread(event.get("source").asText(), event.get("data").get("eventNumber").asText());
        if (!seen.add(thread)) {
          return;
        }
        var place = context.recordMetadata().orElseThrow();
        Records records = new Records(pack, event, thread, record.timestamp());
        for (Out out : records.all(place.partition(), place.offset())) {
          RecordHeaders headers = new RecordHeaders();
          if (out.cloudEvent()) {
            headers.add("content-type", CLOUD_EVENT);
          }
          context.forward(new Record<>(out.key(), out, record.timestamp(), headers));
        }
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}
