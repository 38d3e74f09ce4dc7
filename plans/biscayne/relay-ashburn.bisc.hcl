# Design "ashburn" of layer 5, the host's side: the validator lives at an address of Ashburn, and all of its gossip, turbine and
# repair comes and goes there (biscayne.md 5.5, what production ended with). The switches' side is in relay-switches.bisc.hcl.
#
# In the other designs all of it is to be gone, and not only undeclared: what was left of it once cut the node off, because the marks
# went on and the way did not (incident 47). Taking it away is named by --destroy, each address.
locals {
  ashburn = local.relay.ashburn
  away    = !local.ashburn_way

  # The validator's own ports. 8001 is gossip and ip_echo, 9000 to 9025 the rest.
  validator_ports = {
    gossip  = { protocol = "udp", port = "8001" }
    ip_echo = { protocol = "tcp", port = "8001" }
    shreds  = { protocol = "udp", port = "9000:9025" }
  }
  # What the node sends from those ports, and what it asks an entrypoint's ip_echo: without the last, the entrypoint sees the wrong
  # address (incident 45).
  marked_packets = {
    "gossip goes by Ashburn"          = { protocol = "udp", source_port = "8001", port = null }
    "shreds go by Ashburn"            = { protocol = "udp", source_port = "9000:9025", port = null }
    "ip_echo answers go by Ashburn"   = { protocol = "tcp", source_port = "8001", port = null }
    "ip_echo questions go by Ashburn" = { protocol = "tcp", source_port = null, port = "8001" }
  }
}

layer "relay" {
  on = "biscayne"

  # What sends packets into the tunnel comes after it, and goes before it.

  gre_tunnel "gre-ashburn" {
    absent  = local.away
    local   = local.ashburn.local
    remote  = local.ashburn.remote
    mtu     = 8972
    address = local.ashburn.inside
  }

  ip_address {
    absent = local.away
    label  = "${local.ashburn.address}/32"
    device = "lo"
  }

  route_table "ashburn" {
    absent = local.away
    number = 100
  }

  ip_route "default by ashburn" {
    absent      = local.away
    destination = "default"
    via         = local.ashburn.far
    device      = "gre-ashburn"
    table       = local.away ? "100" : "ashburn"
    probe       = local.away ? null : local.ashburn.probe
    from        = local.away ? null : local.ashburn.node
    mark        = local.away ? null : 100
  }

  ip_rule "marked packets go by ashburn" {
    absent   = local.away
    priority = 100
    fwmark   = "100"
    table    = local.away ? "100" : "ashburn"
    steers   = "validator"
    agave    = local.ashburn.agave
  }

  nat_rule {
    for_each    = local.validator_ports
    absent      = local.away
    label       = "Ashburn's ${each.key} goes to the validator"
    action      = "dnat"
    protocol    = each.value.protocol
    destination = local.ashburn.address
    port        = each.value.port
    to          = each.value.port == "8001" ? "${local.ashburn.node}:8001" : local.ashburn.node
  }

  filter_rule {
    for_each    = local.validator_ports
    absent      = local.away
    label       = "Ashburn's ${each.key} reaches the validator"
    chain       = "DOCKER-USER"
    action      = "accept"
    protocol    = each.value.protocol
    destination = local.ashburn.node
    port        = each.value.port
  }

  nat_rule {
    for_each    = local.marked_packets
    absent      = local.away
    label       = each.key
    action      = "mark"
    protocol    = each.value.protocol
    source      = local.ashburn.nodes
    source_port = each.value.source_port
    port        = each.value.port
    to          = "100"
  }

  nat_rule "marked packets leave as Ashburn's" {
    absent = local.away
    action = "snat"
    marked = "100"
    to     = local.ashburn.address
  }

  # firewalld's own chains reject what goes from docker's bridges into the tunnel (incident 46). Where it does not run there is
  # nothing to let through.
  firewalld_policy "docker-to-relay" {
    when         = local.ashburn.firewalld
    absent       = local.away
    ingress_zone = "docker"
    ingress      = ["docker0", "docker:kind"]
    egress_zone  = "trusted"
    egress       = ["gre-ashburn"]
  }
}
