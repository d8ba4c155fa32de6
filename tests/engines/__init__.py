"""Servers that say what they make of what we send to Elasticsearch: its own server library, and OpenSearch.

Of Elasticsearch only the server library is published (on Maven Central): templates, mappings, data streams
and documents, without a network and without the modules. elasticsearch/ gives it the JDK's HTTP server.
Ingest processors and Painless are modules; OpenSearch, which parted from Elasticsearch at 7.10, publishes its
own, and runs our pipeline (opensearch/). What neither has is not proven here: lifecycles, security, Kibana.

Java 17 and Maven are needed; without them tests that ask for an engine are skipped, and say why.
"""
