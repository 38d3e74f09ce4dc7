# Layer 5 on the host: what takes the shreds that the switch sends, and what says how complete they are. The switches' side is in
# relay-switches.bisc.hcl. An ailing validator must not keep the relay that cures it from being mended: only the units are assumed.
#
#   mirror   was-sw01's mirror port sends copies; shredunwrap takes them on ports of its own (biscayne.md 5.1, made to last)
#   dnat     was-sw01 redirects the packets themselves, and the host gives them to the TVU port (5.2)
#   ashburn  the validator lives at an address of Ashburn, by a tunnel to mia-sw01 (5.5; relay-ashburn.bisc.hcl)
variable "relay_design" {
  type        = string
  default     = "mirror"
  description = "how shreds come to the host: mirror, dnat or ashburn"

  validation {
    condition = contains(["mirror", "dnat", "ashburn"], var.relay_design)
    message   = "relay_design is mirror, dnat or ashburn"
  }
}

locals {
  relay  = local.me.relay
  mirror = var.relay_design == "mirror"
  dnat   = var.relay_design == "dnat"

  ashburn_way    = var.relay_design == "ashburn"
  ashburn_inside = split("/", local.ashburn.inside)[0]

  # What the meter hears in each design.
  heard = { mirror = local.relay.meter, dnat = local.relay.meter_dnat, ashburn = local.relay.meter_ashburn }
}

layer "relay" {
  on      = "biscayne"
  assumes = ["units"]

  # Receive buffers and queues, as far as the units' layer does not set them for agave already.
  sysctl {
    for_each = local.relay.sysctls
    label    = each.key
    value    = each.value
  }

  relay_binary "shredunwrap" {
    when = local.mirror
  }

  relay_service "shredunwrap" {
    when     = local.mirror
    sockets  = local.relay.sockets
    settings = local.relay.unwrap
  }

  relay_binary "shredmeter" {}

  relay_service "shredmeter" {
    settings = local.heard[var.relay_design]
  }

  # What hardware sends here is for the validator's address. Behind kind that is the node's, never 127.0.0.1: it listens in the
  # node's network namespace. Docker drops what is forwarded to a container and was not asked for.
  # In the other designs they are to be gone, and not only undeclared: a rule that is left catches the packets and nothing says so.
  nat_rule "shreds go to the validator" {
    absent      = !local.dnat
    action      = "dnat"
    protocol    = "udp"
    destination = local.relay.advertised_address
    port        = local.relay.advertised_port
    to          = local.relay.tvu
  }

  filter_rule "shreds reach the validator" {
    absent      = !local.dnat
    chain       = "DOCKER-USER"
    action      = "accept"
    protocol    = "udp"
    destination = split(":", local.relay.tvu)[0]
    port        = split(":", local.relay.tvu)[1]
  }

  # Health: seen by check and drift, and nothing waits for it.

  invariant "the unwrapper is the one that was installed, and loses nothing" {
    when    = local.mirror
    because = "a process of an old program, or a full buffer, costs shreds that only repair brings back"
    relay_flow "shredunwrap" {
      flowing        = local.relay.live
      max_loss       = "0.1%"
      max_delay      = local.relay.max_delay
      expected_drops = local.relay.expected_drops
    }
  }

  invariant "the meter sees shreds" {
    because = "without it nobody knows whether the relay helps"
    relay_flow "shredmeter" {
      flowing = local.relay.live
      min_run = local.relay.min_run
    }
  }

  invariant "the redirected stream goes to the present node" {
    when    = local.dnat
    because = "a stream that never pauses stays with the address that the node had when it began, past a rule that is right"
    conntrack_flow "redirected shreds" {
      destination = local.relay.advertised_address
      port        = local.relay.advertised_port
      node        = split(":", local.relay.tvu)[0]
    }
  }
}
