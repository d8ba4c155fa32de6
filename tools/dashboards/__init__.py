"""Grafana's dashboards, made from code: a module each, and written as JSON by `make dashboards`.

    board      a dashboard: its variables, links and rows
    panels     the kinds of panels that they are made of
    overview, workloads, edge, node, platform, logs, ingress
               what each shows

Grafana's own library knows the schema (grafana-foundation-sdk); Alerts link
to panels by their ids, which are given here and not counted: a panel that moves keeps its links.
"""
