package org.elasticsearch.transport;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.cluster.node.DiscoveryNode;
import org.elasticsearch.common.component.AbstractLifecycleComponent;
import org.elasticsearch.common.transport.BoundTransportAddress;
import org.elasticsearch.common.transport.TransportAddress;

/** A single node speaks to itself alone, and needs no network for it. In this package, as handlers are not public. */
public class NoTransport extends AbstractLifecycleComponent implements Transport {
    private final ResponseHandlers responses = new ResponseHandlers();
    private final RequestHandlers requests = new RequestHandlers();

    @Override
    public <R extends TransportRequest> void registerRequestHandler(RequestHandlerRegistry<R> handler) {
        requests.registerHandler(handler);
    }

    @Override
    public BoundTransportAddress boundAddress() {
        TransportAddress address = new TransportAddress(InetAddress.getLoopbackAddress(), 9300); // nobody listens there
        return new BoundTransportAddress(new TransportAddress[] { address }, address);
    }

    @Override
    public void openConnection(DiscoveryNode node, ConnectionProfile profile, ActionListener<Connection> listener) {
        listener.onFailure(new ConnectTransportException(node, "there are no other nodes"));
    }

    @Override
    public Map<String, BoundTransportAddress> profileBoundAddresses() { return Map.of(); }

    @Override
    public TransportAddress[] addressesFromString(String text) { return new TransportAddress[0]; }

    @Override
    public List<String> getDefaultSeedAddresses() { return List.of(); }

    @Override
    public TransportStats getStats() { return new TransportStats(0, 0, 0, 0, 0, 0, new long[0], new long[0]); }

    @Override
    public ResponseHandlers getResponseHandlers() { return responses; }

    @Override
    public RequestHandlers getRequestHandlers() { return requests; }

    @Override
    public void setMessageListener(TransportMessageListener listener) {}

    @Override
    protected void doStart() {}

    @Override
    protected void doStop() {}

    @Override
    protected void doClose() {}
}
