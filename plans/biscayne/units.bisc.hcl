# Layer 2: what the host does at boot, at shutdown, and by itself.

# What a block makes and an invariant insists on is written once.
locals {
  # docker does not start over an unready ground. After= and Wants= order and start the mounts; the assertions refuse the
  # start. Never Requires= or RequiresMountsFor=: with those, a restart of a mount stops docker, and the validator with it.
  # Wants= of the shutdown guard brings it back after somebody has stopped docker, and it with it.
  gate = {
    Unit = {
      After                  = concat(distinct(values(local.unit_of)), ["bisc-accounts.service"])
      Wants                  = concat(distinct(values(local.unit_of)), ["bisc-accounts.service", "bisc-validator-exit.service"])
      AssertPathIsMountPoint = local.ground
    }
  }

  # The accounts' file system is empty after every boot. Wants= and the assertion, as in the gate: what requires a mount
  # would stop with it.
  accounts_unit = {
    Unit = {
      Description            = "Folder of the accounts on their file system, made anew at each boot"
      Wants                  = local.unit_of[local.accounts]
      After                  = local.unit_of[local.accounts]
      Before                 = "docker.service"
      AssertPathIsMountPoint = local.accounts
    }
    Service = {
      Type            = "oneshot"
      RemainAfterExit = "yes"
      ExecStart       = "/usr/bin/install -d -m 0755 -o ${local.me.validator_uid} -g ${local.me.validator_gid} ${local.accounts}/accounts"
    }
    Install = { WantedBy = "multi-user.target" }
  }

  # At shutdown units stop in the reverse of their order: this one, being after docker, stops before docker does, and its
  # stop lets the validator exit. A plain reboot, typed by anybody, is safe then. PartOf= makes the same of a
  # systemctl stop or restart of docker.
  exit_unit = {
    Unit = {
      Description = "Let the validator exit before docker stops"
      After       = ["docker.service", "containerd.service"]
      PartOf      = "docker.service"
    }
    Service = {
      Type            = "oneshot"
      RemainAfterExit = "yes"
      ExecStart       = "/bin/true"
      ExecStop        = "/usr/local/sbin/bisc-let-validator-exit"
      TimeoutStopSec  = "${local.exit_grace + 120}" # the grace, and the kubelets before it
      Environment     = "BISC_GRACE=${local.exit_grace}"
    }
    Install = { WantedBy = "multi-user.target" }
  }
  exit_program = file("let-validator-exit.sh")

  # needrestart and apt read their files in the order of the names, and the last one wins.
  needrestart_file = "/etc/needrestart/conf.d/zz-bisc.conf"
  needrestart      = <<-EOT
    # Written by bisc. A restart of docker or containerd kills the validator.
    $nrconf{restart} = 'l';
    $nrconf{override_rc}{qr(^docker)} = 0;
    $nrconf{override_rc}{qr(^containerd)} = 0;
  EOT

  upgrades_file = "/etc/apt/apt.conf.d/zz-bisc-no-reboot"
  upgrades      = <<-EOT
    // Written by bisc. A reboot with a live validator can need a power cycle.
    Unattended-Upgrade::Automatic-Reboot "false";
    Unattended-Upgrade::Package-Blacklist { "docker"; "containerd"; "runc"; };
  EOT
}

layer "units" {
  on = "biscayne"

  unit "bisc-accounts.service" {
    sections = local.accounts_unit
  }

  file "/usr/local/sbin/bisc-let-validator-exit" {
    content = local.exit_program
    mode    = "0755"
  }

  unit "bisc-validator-exit.service" {
    sections = local.exit_unit
  }

  drop_in "docker.service/10-bisc-ground" {
    sections = local.gate
  }

  service "bisc-validator-exit.service" {
    active = true
  }

  # Nothing may restart docker or containerd, or reboot, by itself.

  package {
    for_each = toset(local.me.held_packages)
    label    = each.key
    held     = true
  }

  file {
    label   = local.needrestart_file
    content = local.needrestart
  }

  file {
    label   = local.upgrades_file
    content = local.upgrades
  }

  sysctl {
    for_each = local.me.sysctls
    label    = each.key
    value    = each.value
  }

  # What the layers above may assume.

  invariant "docker waits for its ground" {
    because = "docker is on multi-user.target with no order to the mounts: without the gate it is a race"
    drop_in "docker.service/10-bisc-ground" {
      sections = local.gate
    }
  }

  invariant "the accounts have their folder after a boot" {
    because = "the accounts' file system is empty then, and the validator's container may not make folders in its root"
    unit "bisc-accounts.service" {
      sections = local.accounts_unit
    }
  }

  invariant "a shutdown lets the validator exit" {
    because = "a validator that is killed while it writes leaves threads that only a power cycle ends"
    service "bisc-validator-exit.service" {
      enabled = true
      active  = true
    }
  }

  invariant "a shutdown knows how" {
    because = "its unit may run and be another than the one that waits for the validator"
    unit "bisc-validator-exit.service" {
      sections = local.exit_unit
    }
  }

  invariant "a shutdown has the program for it" {
    because = "the unit that lets the validator exit is only as good as the program that it runs"
    file "/usr/local/sbin/bisc-let-validator-exit" {
      content = local.exit_program
      mode    = "0755"
    }
  }

  invariant {
    for_each = toset(local.me.held_packages)
    label    = "${each.key} is held"
    because  = "an upgrade of docker or containerd restarts it, and the validator with it"
    package {
      label = each.key
      held  = true
    }
  }

  invariant "needrestart leaves docker alone" {
    because = "needrestart restarts what uses an upgraded library, containerd among it"
    file {
      label   = local.needrestart_file
      content = local.needrestart
    }
  }

  # Of all of apt's files together: a later one may say otherwise than ours.
  invariant "no automatic reboot" {
    because   = "unattended-upgrades may be told to reboot at night"
    condition = !fact.automatic_reboot
  }
}
