import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.bytes.BytesArray;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.common.bytes.ReleasableBytesReference;
import org.elasticsearch.common.component.AbstractLifecycleComponent;
import org.elasticsearch.common.transport.BoundTransportAddress;
import org.elasticsearch.common.transport.TransportAddress;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.http.HttpChannel;
import org.elasticsearch.http.HttpInfo;
import org.elasticsearch.http.HttpRequest;
import org.elasticsearch.http.HttpResponse;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.http.HttpStats;
import org.elasticsearch.rest.AbstractRestChannel;
import org.elasticsearch.rest.ChunkedRestResponseBody;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.transport.BytesRefRecycler;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentParserConfiguration;

/** Elasticsearch's API on a free port of 127.0.0.1, by the JDK's own server. */
class Http extends AbstractLifecycleComponent implements HttpServerTransport {
    private final Dispatcher dispatcher;
    private final XContentParserConfiguration parsing;
    private final ThreadPool threads;
    private final HttpServer server;

    Http(Dispatcher dispatcher, NamedXContentRegistry registry, ThreadPool threads) {
        this.dispatcher = dispatcher;
        this.parsing = XContentParserConfiguration.EMPTY.withRegistry(registry);
        this.threads = threads;
        try {
            server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        server.setExecutor(Executors.newFixedThreadPool(2));
        server.createContext("/", this::handle);
    }

    private void handle(HttpExchange exchange) throws IOException {
        Request request = new Request(exchange, new BytesArray(exchange.getRequestBody().readAllBytes()));
        RestRequest rest = RestRequest.request(parsing, request, new Channel(exchange));
        ThreadContext context = threads.getThreadContext();
        try (ThreadContext.StoredContext ignored = context.stashContext()) {
            dispatcher.dispatchRequest(rest, new Answer(rest, exchange), context);
        }
    }

    private static class Answer extends AbstractRestChannel {
        private final HttpExchange exchange;

        Answer(RestRequest request, HttpExchange exchange) {
            super(request, true);
            this.exchange = exchange;
        }

        @Override
        public void sendResponse(RestResponse response) {
            try (exchange) {
                byte[] body = response.isChunked() ? whole(response.chunkedContent()) : BytesReference.toBytes(response.content());
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.getResponseHeaders().set("X-Elastic-Product", "Elasticsearch");
                exchange.sendResponseHeaders(response.status().getStatus(), body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        private static byte[] whole(ChunkedRestResponseBody chunks) throws IOException {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            while (chunks.isDone() == false) {
                try (ReleasableBytesReference chunk = chunks.encodeChunk(1 << 16, BytesRefRecycler.NON_RECYCLING_INSTANCE)) {
                    chunk.writeTo(all);
                }
            }
            return all.toByteArray();
        }
    }

    private record Request(HttpExchange exchange, BytesReference content) implements HttpRequest {
        public RestRequest.Method method() { return RestRequest.Method.valueOf(exchange.getRequestMethod()); }

        public String uri() { return exchange.getRequestURI().toString(); }

        public Map<String, List<String>> getHeaders() { return exchange.getRequestHeaders(); }

        public List<String> strictCookies() { return List.of(); }

        public HttpVersion protocolVersion() { return HttpVersion.HTTP_1_1; }

        public HttpRequest removeHeader(String header) { return this; }

        public HttpResponse createResponse(RestStatus status, BytesReference body) { throw new UnsupportedOperationException(); }

        public HttpResponse createResponse(RestStatus status, ChunkedRestResponseBody body) {
            throw new UnsupportedOperationException();
        }

        public Exception getInboundException() { return null; }

        public void release() {}

        public HttpRequest releaseAndCopy() { return this; }
    }

    private record Channel(HttpExchange exchange) implements HttpChannel {
        public void sendResponse(HttpResponse response, ActionListener<Void> listener) { throw new UnsupportedOperationException(); }

        public InetSocketAddress getLocalAddress() { return exchange.getLocalAddress(); }

        public InetSocketAddress getRemoteAddress() { return exchange.getRemoteAddress(); }

        public void addCloseListener(ActionListener<Void> listener) {}

        public boolean isOpen() { return true; }

        public void close() {}
    }

    @Override
    public BoundTransportAddress boundAddress() {
        TransportAddress address = new TransportAddress(InetAddress.getLoopbackAddress(), server.getAddress().getPort());
        return new BoundTransportAddress(new TransportAddress[] { address }, address);
    }

    @Override
    public HttpInfo info() { return new HttpInfo(boundAddress(), 1 << 30); }

    @Override
    public HttpStats stats() { return new HttpStats(0, 0); }

    @Override
    protected void doStart() { server.start(); }

    @Override
    protected void doStop() { server.stop(0); }

    @Override
    protected void doClose() {}
}
