package example;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import lgsp.population.v1.Population.GetCitizenRequest;
import lgsp.population.v1.PopulationServiceGrpc;

/**
 * Looks a citizen up by gRPC and by JSON, and meets an error and a deadline.
 *
 * <p>Needs LGSP_ADDRESS (host:port), LGSP_CA (who vouches for the gateway), LGSP_APPLICATION and LGSP_KEY (its private key).
 */
public final class Client {
  private static final String KNOWN = "092085000011";
  private static final String NOBODY = "092199000404";

  private final String address = System.getenv("LGSP_ADDRESS");
  private final File authority = new File(System.getenv("LGSP_CA"));
  private final Map<String, String> said;
  private final ManagedChannel channel;
  private final HttpClient http;

  private Client() throws Exception {
    String application = System.getenv("LGSP_APPLICATION");
    String token = token(application, key(Path.of(System.getenv("LGSP_KEY"))));
    said = Map.of("authorization", "Bearer " + token, "lgsp-purpose", "prefill", "lgsp-dossier", "H13.01-260601-0001");
    var credentials = TlsChannelCredentials.newBuilder().trustManager(authority).build();
    channel = NettyChannelBuilder.forTarget(address, credentials).build();
    http = HttpClient.newBuilder().sslContext(trusting(authority)).build();
  }

  /** An Ed25519 key of PKCS#8: its 32 bytes stand behind a prefix that is always the same. */
  private static PrivateKey key(Path file) throws Exception {
    String text = Files.readString(file).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
    byte[] seed = Arrays.copyOfRange(Base64.getDecoder().decode(text), 16, 48);
    return KeyFactory.getInstance("Ed25519").generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed));
  }

  /** Signed with the application's own key; good for a minute. Sign a new one before it ends, not one for each call. */
  private static String token(String application, PrivateKey key) throws Exception {
    long now = Instant.now().getEpochSecond();
    String header = "{\"alg\":\"EdDSA\",\"kid\":\"%s-1\"}".formatted(application);
    String claims = "{\"iss\":\"%1$s\",\"sub\":\"%1$s\",\"aud\":\"lgsp\",\"iat\":%2$d,\"exp\":%3$d}"
        .formatted(application, now, now + 60);
    String signed = encoded(header.getBytes(StandardCharsets.UTF_8)) + "." + encoded(claims.getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("Ed25519");
    signature.initSign(key);
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + "." + encoded(signature.sign());
  }

  private static String encoded(byte[] part) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(part);
  }

  private static SSLContext trusting(File authority) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (InputStream in = Files.newInputStream(authority.toPath())) {
      store.setCertificateEntry("hub", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private String byGrpc(String number, Duration timeout) {
    Metadata metadata = new Metadata();
    said.forEach((name, value) -> metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
    var population = PopulationServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata))
        .withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    return population.getCitizen(GetCitizenRequest.newBuilder().setPersonalNumber(number).build()).getCitizen().getFullName();
  }

  /** The hub's own reason: what to do about each is in docs/errors.md. */
  private static String reason(StatusRuntimeException error) throws Exception {
    for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        return detail.unpack(ErrorInfo.class).getReason();
      }
    }
    // Our own time ran out before the hub could answer.
    return error.getStatus().getCode().name();
  }

  private String byJson(String number, Duration timeout) throws Exception {
    JsonObject asked = new JsonObject();
    asked.addProperty("personalNumber", number);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("https://" + address + "/lgsp.population.v1.PopulationService/GetCitizen"))
            .POST(HttpRequest.BodyPublishers.ofString(asked.toString()))
            .header("content-type", "application/json")
            .header("connect-timeout-ms", Long.toString(timeout.toMillis()))
            // A little longer than the hub takes to say that it was too late.
            .timeout(timeout.plusSeconds(5));
    said.forEach(request::header);
    HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    JsonObject told = JsonParser.parseString(answer.body()).getAsJsonObject();
    if (answer.statusCode() == 200) {
      return told.getAsJsonObject("citizen").get("fullName").getAsString();
    }
    for (var detail : told.getAsJsonArray("details")) {
      if (detail.getAsJsonObject().get("type").getAsString().equals("google.rpc.ErrorInfo")) {
        throw new Refused(detail.getAsJsonObject().getAsJsonObject("debug").get("reason").getAsString());
      }
    }
    throw new Refused(told.get("code").getAsString());
  }

  private static final class Refused extends Exception {
    Refused(String reason) {
      super(reason);
    }
  }

  private void meet(String what, String number, Duration timeout) throws Exception {
    try {
      byGrpc(number, timeout);
    } catch (StatusRuntimeException error) {
      System.out.println("grpc " + what + ": " + reason(error));
    }
    try {
      byJson(number, timeout);
    } catch (Refused refused) {
      System.out.println("json " + what + ": " + refused.getMessage());
    }
  }

  public static void main(String[] arguments) throws Exception {
    Client client = new Client();
    System.out.println("grpc: " + client.byGrpc(KNOWN, Duration.ofSeconds(10)));
    System.out.println("json: " + client.byJson(KNOWN, Duration.ofSeconds(10)));
    client.meet("error", NOBODY, Duration.ofSeconds(10));
    client.meet("deadline", KNOWN, Duration.ofMillis(1));
    client.channel.shutdownNow();
  }
}
