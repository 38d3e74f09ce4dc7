# Layer 5 on the switches, in the three designs of relay.bisc.hcl. An inventory without these switches has none of it.
#
#   mirror   was-sw01 copies what comes for the advertised port to its own processor, where shredmirror sends it on
#            (biscayne.md 5.1; there socat did, in somebody's terminal)
#   dnat     was-sw01 redirects those packets in hardware (5.2). The active TCAM profile of these switches cannot do that, and
#            bisc changes no profile: apply says so and refuses
#   ashburn  was-sw01 has a route to the validator's address and mia-sw01 a tunnel to the host (5.5)
#
# A second manager, doublezero-agent, writes most of these switches' configuration and saves it each minute. What is its own is
# named in the inventory, and nothing here touches it.
variable "relay_proof" {
  type        = bool
  default     = false
  description = "keep a change of was-sw01 only if the host takes what its mirror sends; for when the host's end stands"
}

locals {
  was = can(host["was-sw01"].relay) ? ["was-sw01"] : []
  mia = can(host["mia-sw01"].relay) ? ["mia-sw01"] : []
}

layer "relay" {
  on      = local.was
  assumes = []

  eos_ownership "doublezero-agent" {
    foreign = self.foreign
  }

  # The daemon's program first: a daemon block without one would be restarted by ProcMgr over and over.
  relay_binary "shredmirror" {
    absent = !local.mirror
  }

  eos_static_route {
    absent   = !local.mirror
    label    = "${self.relay.host}/32"
    next_hop = self.relay.next_hop
  }

  eos_acl "SHRED-RELAY" {
    absent = !local.mirror
    rules  = local.mirror ? ["10 permit udp any any eq ${local.relay.advertised_port}"] : null
  }

  eos_monitor "1" {
    absent  = !local.mirror
    sources = ["${self.relay.uplink} rx"]
    acl     = "SHRED-RELAY"
  }

  eos_daemon "bisc-shredmirror" {
    absent = !local.mirror
    exec = join(" ", [
      "/mnt/flash/bisc/shredmirror",
      "--match-addr ${local.relay.advertised_address} --match-port ${local.relay.advertised_port}",
      "--form sequenced --to ${self.relay.to} --via-device ${self.relay.via_device} --via-next-hop ${self.relay.next_hop}",
      "--install-route --metrics ${self.relay.metrics}",
    ])
  }

  eos_traffic_policy "SHRED-RELAY" {
    absent      = !local.dnat
    interfaces  = [self.relay.uplink]
    destination = ["${local.relay.advertised_address}/32"]
    protocol    = "udp"
    port        = tonumber(local.relay.advertised_port)
    next_hop    = self.relay.next_hop
  }

  # The validator's address is in a prefix that is routed here, and is not configured here: a loopback that has it takes the
  # packets for the switch itself (incident 42).
  eos_section "Loopback101" {
    when   = local.ashburn_way
    path   = ["interface Loopback101"]
    absent = true
  }

  eos_static_route {
    absent   = !local.ashburn_way
    label    = "${local.ashburn.address}/32"
    next_hop = self.relay.next_hop
  }

  eos_saved "startup-config" {}

  # Health: seen by check and drift, and nothing waits for it.
  invariant "the mirror is the one that was installed, and shreds pass" {
    when    = local.mirror
    because = "a process of an old program, or a full ring, costs shreds that only repair brings back"
    relay_flow "shredmirror" {
      at             = self.relay.metrics
      flowing        = local.relay.live
      expected_drops = ["not_ours"]
    }
  }

  # From the other end. It is asked while the commit's timer runs: what does not hold there is taken back.
  invariant "the host takes what the mirror sends" {
    when    = local.mirror && var.relay_proof
    from    = "biscayne"
    because = "the switch cannot see where its packets end"
    relay_flow "shredunwrap" {
      flowing        = local.relay.live
      expected_drops = local.relay.expected_drops
    }
  }
}

layer "relay" {
  on      = local.mia
  assumes = []

  eos_ownership "doublezero-agent" {
    foreign = self.foreign
  }

  # The tunnel to the host has a VRF of its own: what comes out of it is sent on by the default route to was-sw01, and what is for
  # the validator goes in. An egress-vrf route that names an interface is taken and never installed (incident 41).
  eos_vrf "relay" {
    absent = !local.ashburn_way
  }

  eos_section "Loopback101" {
    absent = !local.ashburn_way
    path   = ["interface Loopback101"]
    lines  = local.ashburn_way ? ["ip address ${local.ashburn.remote}/32"] : null
  }

  eos_acl "SEC-VALIDATOR-100-IN" {
    absent   = !local.ashburn_way
    counters = true
    rules = local.away ? null : [
      "10 permit icmp host ${local.ashburn_inside} any",
      "20 permit ip host ${local.ashburn.address} any",
      "30 permit ip host ${local.ashburn_inside} any",
      "100 deny ip any any",
    ]
  }

  eos_tunnel "Tunnel100" {
    absent      = !local.ashburn_way
    vrf         = "relay"
    mtu         = 9216
    address     = "${local.ashburn.far}/31"
    acl_in      = "SEC-VALIDATOR-100-IN"
    source      = local.ashburn.remote
    destination = local.ashburn.local
  }

  eos_static_route {
    absent     = !local.ashburn_way
    vrf        = "relay"
    label      = "0.0.0.0/0"
    egress_vrf = "default"
    next_hop   = self.relay.next_hop
  }

  eos_static_route {
    absent     = !local.ashburn_way
    label      = "${local.ashburn.address}/32"
    egress_vrf = "relay"
    next_hop   = local.ashburn_inside
  }

  eos_saved "startup-config" {}
}
