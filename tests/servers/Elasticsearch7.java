import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;

/** The same of version 7, or, with the packages' names changed, one OpenSearch node. Arguments: the folder of modules/, a folder for its data, a port. */
final class Elasticsearch7 {
	public static void main(String[] args) throws Exception {
		var settings = Settings.builder()
			.put("path.home", args[0])
			.put("path.data", args[1] + "/data")
			.put("path.logs", args[1])
			.put("network.host", "127.0.0.1")
			.put("http.port", args[2])
			.put("transport.port", "0")
			.put("discovery.type", "single-node")
			.put("cluster.routing.allocation.disk.threshold_enabled", false)
			.build();
		var env = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), Path.of(args[1]), () -> "test");
		var node = new Node(env);
		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			try {
				node.close();
				node.awaitClose(10, TimeUnit.SECONDS);
			} catch (Exception e) {
				e.printStackTrace();
			}
		}));
		node.start();
		Thread.currentThread().join(); // its own threads are daemons
	}
}
