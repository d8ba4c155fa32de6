import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.script.mustache.MustachePlugin;
import org.opensearch.transport.Netty4Plugin;

/** A single node of OpenSearch in the folder given, on free ports of 127.0.0.1; says "http ADDRESS" when it is there. */
public class Engine {
    static class SingleNode extends Node {
        SingleNode(Settings settings, List<Class<? extends Plugin>> plugins) {
            super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "engine"), plugins, false);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.builder()
            .put("path.home", arguments[0])
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", "0")
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("node.store.allow_mmap", false)
            .build();
        List<Class<? extends Plugin>> plugins = List.of(
            IngestCommonPlugin.class, MustachePlugin.class, PainlessPlugin.class, Netty4Plugin.class
        );
        Node node = new SingleNode(settings, plugins);
        node.start();
        System.out.println("http " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
        while (System.in.read() >= 0) {} // until whoever started it is gone
        Runtime.getRuntime().halt(0);
    }
}
