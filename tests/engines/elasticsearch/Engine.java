import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.network.NetworkService;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.BigArrays;
import org.elasticsearch.common.util.PageCacheRecycler;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.indices.breaker.CircuitBreakerService;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.GivenPlugins;
import org.elasticsearch.plugins.NetworkPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.tracing.Tracer;
import org.elasticsearch.transport.NoTransport;
import org.elasticsearch.transport.Transport;
import org.elasticsearch.xcontent.NamedXContentRegistry;

/** A single node of Elasticsearch without modules, in the folder given; says "http ADDRESS" when it is there. */
public class Engine {
    public static class Network extends Plugin implements NetworkPlugin {
        /** Of modules that are not here. */
        @Override
        public List<Setting<?>> getSettings() {
            return List.of(Setting.simpleString("index.lifecycle.name", Setting.Property.IndexScope, Setting.Property.Dynamic));
        }

        @Override
        public Map<String, Supplier<Transport>> getTransports(
            Settings settings, ThreadPool threads, PageCacheRecycler recycler, CircuitBreakerService breakers,
            NamedWriteableRegistry writeables, NetworkService network
        ) {
            return Map.of("none", NoTransport::new);
        }

        @Override
        public Map<String, Supplier<HttpServerTransport>> getHttpTransports(
            Settings settings, ThreadPool threads, BigArrays arrays, PageCacheRecycler recycler,
            CircuitBreakerService breakers, NamedXContentRegistry registry, NetworkService network,
            HttpServerTransport.Dispatcher dispatcher, ClusterSettings cluster, Tracer tracer
        ) {
            return Map.of("jdk", () -> new Http(dispatcher, registry, threads));
        }
    }

    static class SingleNode extends Node {
        SingleNode(Environment environment) {
            super(environment, settings -> new GivenPlugins(settings, environment, new Network()), false);
        }
    }

    public static void main(String[] arguments) throws Exception {
        LogConfigurator.configureESLogging();
        Path home = Path.of(arguments[0]);
        Settings settings = Settings.builder()
            .put("path.home", home)
            .put("discovery.type", "single-node")
            .put("transport.type", "none")
            .put("http.type", "jdk")
            .put("node.store.allow_mmap", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Node node = new SingleNode(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "engine")
        );
        node.start();
        System.out.println("http " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
        while (System.in.read() >= 0) {} // until whoever started it is gone
        Runtime.getRuntime().halt(0);
    }
}
