import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** Waits until a cluster answers a metadata request with as many brokers as expected. */
public final class Probe {
    private static final int CALL_MS = 2_000;
    private static final int PAUSE_MS = 100;

    /** Arguments: host:port, the number of brokers, for how many seconds to try, and perhaps a file that says how to connect. */
    public static void main(String[] args) throws InterruptedException, IOException {
        int brokers = Integer.parseInt(args[1]);
        long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(args[2]));
        Properties config = new Properties();
        if (args.length > 3) {
            try (Reader file = Files.newBufferedReader(Path.of(args[3]))) {
                config.load(file);
            }
        }
        config.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, CALL_MS);
        config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, CALL_MS);
        config.put(AdminClientConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, PAUSE_MS);
        String last = "no answer";
        try (Admin admin = Admin.create(config)) {
            do {
                try {
                    int answered = admin.describeCluster().nodes().get(CALL_MS, TimeUnit.MILLISECONDS).size();
                    if (answered == brokers) {
                        return;
                    }
                    last = answered + " of " + brokers + " brokers answer";
                } catch (ExecutionException | TimeoutException error) {
                    last = "no answer";
                }
                Thread.sleep(PAUSE_MS);
            } while (System.nanoTime() < giveUp);
        }
        System.err.println(args[0] + ": " + last);
        System.exit(1);
    }
}
