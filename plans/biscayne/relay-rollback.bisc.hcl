# The way back from each design of the relay, as runbooks (bisc run NAME --plan shows them). They assume nothing: an ailing host or
# switch must not keep the relay from being taken away. What sends packets somewhere goes before what they are sent through.
#
# The old way back was a checkpoint, and checkpoints hold the whole configuration: to restore one undoes what the second manager
# did since (biscayne.md 5.8). These take away what the design brought, and nothing else.

runbook "relay-rollback-mirror" {
  layer   = "relay"
  assumes = []
  because = "the mirror costs the switch's processor, or its copies hurt more than they help; the validator goes on with turbine's own shreds"

  stage "the switch stops sending" {
    on = local.was

    eos_daemon "bisc-shredmirror" {
      absent = true
    }
    eos_monitor "1" {
      absent = true
    }
    eos_acl "SHRED-RELAY" {
      absent = true
    }
    eos_static_route {
      absent   = true
      label    = "${self.relay.host}/32"
      next_hop = self.relay.next_hop
    }
    relay_binary "shredmirror" {
      absent = true
    }
    eos_saved "startup-config" {}
  }
}

runbook "relay-rollback-dnat" {
  layer   = "relay"
  assumes = []
  because = "what the switch redirects reaches nobody: turbine's packets are the switch's own again"

  stage "the switch redirects nothing" {
    on = local.was

    eos_traffic_policy "SHRED-RELAY" {
      absent     = true
      interfaces = [self.relay.uplink]
    }
    eos_saved "startup-config" {}
  }

  stage "the host gives nothing to the validator" {
    on = "biscayne"

    nat_rule "shreds go to the validator" {
      absent      = true
      action      = "dnat"
      protocol    = "udp"
      destination = local.relay.advertised_address
      port        = local.relay.advertised_port
      to          = local.relay.tvu
    }
    filter_rule "shreds reach the validator" {
      absent      = true
      chain       = "DOCKER-USER"
      action      = "accept"
      protocol    = "udp"
      destination = split(":", local.relay.tvu)[0]
      port        = split(":", local.relay.tvu)[1]
    }
  }
}

runbook "relay-rollback-ashburn" {
  layer   = "relay"
  assumes = []
  because = "the validator is cut off behind Ashburn: it speaks from the host's own address again"

  # First the marks: as long as they go on and the way does not, the node reaches nobody (incident 47).
  stage "the host marks nothing" {
    on = "biscayne"

    nat_rule {
      for_each    = local.marked_packets
      absent      = true
      label       = each.key
      action      = "mark"
      protocol    = each.value.protocol
      source      = local.ashburn.nodes
      source_port = each.value.source_port
      port        = each.value.port
      to          = "100"
    }
    nat_rule "marked packets leave as Ashburn's" {
      absent = true
      action = "snat"
      marked = "100"
      to     = local.ashburn.address
    }
    ip_rule "marked packets go by ashburn" {
      absent   = true
      priority = 100
      fwmark   = "100"
      table    = "100"
    }
  }

  stage "the host takes nothing from Ashburn" {
    on = "biscayne"

    nat_rule {
      for_each    = local.validator_ports
      absent      = true
      label       = "Ashburn's ${each.key} goes to the validator"
      action      = "dnat"
      protocol    = each.value.protocol
      destination = local.ashburn.address
      port        = each.value.port
      to          = each.value.port == "8001" ? "${local.ashburn.node}:8001" : local.ashburn.node
    }
    filter_rule {
      for_each    = local.validator_ports
      absent      = true
      label       = "Ashburn's ${each.key} reaches the validator"
      chain       = "DOCKER-USER"
      action      = "accept"
      protocol    = each.value.protocol
      destination = local.ashburn.node
      port        = each.value.port
    }
    ip_route "default by ashburn" {
      absent      = true
      destination = "default"
      via         = local.ashburn.far
      device      = "gre-ashburn"
      table       = "100"
    }
    route_table "ashburn" {
      absent = true
      number = 100
    }
    ip_address {
      absent = true
      label  = "${local.ashburn.address}/32"
      device = "lo"
    }
    gre_tunnel "gre-ashburn" {
      absent = true
      local  = local.ashburn.local
      remote = local.ashburn.remote
    }
  }

  stage "the switches send nothing to the host" {
    on = concat(local.was, local.mia)

    eos_static_route {
      absent     = true
      label      = "${local.ashburn.address}/32"
      egress_vrf = self.name == "mia-sw01" ? "relay" : null
      next_hop   = self.name == "mia-sw01" ? local.ashburn_inside : self.relay.next_hop
    }
    eos_static_route {
      when       = self.name == "mia-sw01"
      absent     = true
      vrf        = "relay"
      label      = "0.0.0.0/0"
      egress_vrf = "default"
      next_hop   = self.relay.next_hop
    }
    eos_tunnel "Tunnel100" {
      when   = self.name == "mia-sw01"
      absent = true
    }
    eos_acl "SEC-VALIDATOR-100-IN" {
      when   = self.name == "mia-sw01"
      absent = true
    }
    eos_section "Loopback101" {
      when   = self.name == "mia-sw01"
      absent = true
      path   = ["interface Loopback101"]
    }
    eos_vrf "relay" {
      when   = self.name == "mia-sw01"
      absent = true
    }
    eos_saved "startup-config" {}
  }
}
