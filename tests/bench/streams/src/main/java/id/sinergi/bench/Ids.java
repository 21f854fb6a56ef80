package id.sinergi.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;

/** Derived identities: the same cause gives the same id. */
final class Ids {
  private static final char[] BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".toCharArray();
  private static final ThreadLocal<MessageDigest> SHA = ThreadLocal.withInitial(Ids::sha256);

  private Ids() {}

  static String thread(String source, String number) {
    return base32(digest(source, number), 26);
  }

  static String blind(String thread, String recipient) {
    return base32(digest("blind", thread, recipient), 26);
  }

  static String alert(String thread, String cause, String recipient) {
    return "NTF-" + base32(digest("alert", thread, cause, recipient), 16);
  }

  static String uuid(String... cause) {
    String[] all = new String[cause.length + 1];
    all[0] = "uuid8";
    System.arraycopy(cause, 0, all, 1, cause.length);
    return uuid8(digest(all), 0);
  }

  /** The alert's own id and that of its cause: the two halves of one digest. */
  static String[] ofAlert(String number) {
    byte[] raw = digest(number);
    return new String[] {uuid8(raw, 0), uuid8(raw, 16)};
  }

  private static String uuid8(byte[] bytes, int from) {
    ByteBuffer raw = ByteBuffer.wrap(bytes, from, 16);
    long high = raw.getLong() & 0xFFFFFFFFFFFF0FFFL | 0x8000L;
    long low = raw.getLong() & 0x3FFFFFFFFFFFFFFFL | 0x8000000000000000L;
    return new UUID(high, low).toString();
  }

  static String hex(byte[] body) {
    return HexFormat.of().formatHex(SHA.get().digest(body));
  }

  private static byte[] digest(String... parts) {
    return SHA.get().digest(String.join("\n", parts).getBytes(StandardCharsets.UTF_8));
  }

  private static String base32(byte[] raw, int length) {
    StringBuilder text = new StringBuilder(length);
    int bits = 0;
    int held = 0;
    for (int i = 0; text.length() < length; i++) {
      held = held << 8 | raw[i] & 0xFF;
      for (bits += 8; bits >= 5 && text.length() < length; bits -= 5) {
        text.append(BASE32[held >> bits - 5 & 31]);
      }
    }
    return text.toString();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
