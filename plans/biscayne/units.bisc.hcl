# Layer 2: what the host does at boot, at shutdown, and by itself.

layer "units" {
  on = "biscayne"

  # The accounts' file system is empty after every boot.
  unit "bisc-accounts.service" {
    sections = {
      Unit = {
        Description            = "Folder of the accounts on their file system, made anew at each boot"
        Requires               = local.unit_of[local.accounts]
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
  }

  # docker does not start over an unready ground. After= and Wants= order and start the mounts; the assertions refuse the
  # start. Never Requires= or RequiresMountsFor=: with those, a restart of a mount stops docker, and the validator with it.
  drop_in "docker.service/10-bisc-ground" {
    sections = {
      Unit = {
        After                  = concat([for path in local.ground : local.unit_of[path]], ["bisc-accounts.service"])
        Wants                  = concat([for path in local.ground : local.unit_of[path]], ["bisc-accounts.service"])
        AssertPathIsMountPoint = local.ground
      }
    }
  }

  # At shutdown units stop in the reverse of their order: this one, being after docker, stops before docker does, and its
  # stop lets the validator exit. A plain reboot, typed by anybody, is safe then.
  file "/usr/local/sbin/bisc-let-validator-exit" {
    content = file("let-validator-exit.sh")
    mode    = "0755"
  }

  unit "bisc-validator-exit.service" {
    sections = {
      Unit = {
        Description = "Let the validator exit before docker stops"
        After       = ["docker.service", "containerd.service"]
      }
      Service = {
        Type            = "oneshot"
        RemainAfterExit = "yes"
        ExecStart       = "/bin/true"
        ExecStop        = "/usr/local/sbin/bisc-let-validator-exit"
        TimeoutStopSec  = "${local.exit_grace + 60}"
        Environment     = "BISC_GRACE=${local.exit_grace}"
      }
      Install = { WantedBy = "multi-user.target" }
    }
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

  file "/etc/needrestart/conf.d/50-bisc.conf" {
    content = <<-EOT
      # Written by bisc. A restart of docker or containerd kills the validator.
      $nrconf{restart} = 'l';
      $nrconf{override_rc}{qr(^docker)} = 0;
      $nrconf{override_rc}{qr(^containerd)} = 0;
    EOT
  }

  file "/etc/apt/apt.conf.d/99-bisc-no-reboot" {
    content = <<-EOT
      // Written by bisc. A reboot with a live validator can need a power cycle.
      Unattended-Upgrade::Automatic-Reboot "false";
      Unattended-Upgrade::Package-Blacklist { "docker"; "containerd"; "runc"; };
    EOT
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
      sections = {
        Unit = {
          After                  = concat([for path in local.ground : local.unit_of[path]], ["bisc-accounts.service"])
          Wants                  = concat([for path in local.ground : local.unit_of[path]], ["bisc-accounts.service"])
          AssertPathIsMountPoint = local.ground
        }
      }
    }
  }

  invariant "a shutdown lets the validator exit" {
    because = "a validator that is killed while it writes leaves threads that only a power cycle ends"
    service "bisc-validator-exit.service" {
      enabled = true
      active  = true
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
    because = "needrestart restarts what uses an upgraded library, docker among it"
    file "/etc/needrestart/conf.d/50-bisc.conf" {
      content = <<-EOT
        # Written by bisc. A restart of docker or containerd kills the validator.
        $nrconf{restart} = 'l';
        $nrconf{override_rc}{qr(^docker)} = 0;
        $nrconf{override_rc}{qr(^containerd)} = 0;
      EOT
    }
  }

  invariant "no automatic reboot" {
    because = "unattended-upgrades may be told to reboot at night"
    file "/etc/apt/apt.conf.d/99-bisc-no-reboot" {
      content = <<-EOT
        // Written by bisc. A reboot with a live validator can need a power cycle.
        Unattended-Upgrade::Automatic-Reboot "false";
        Unattended-Upgrade::Package-Blacklist { "docker"; "containerd"; "runc"; };
      EOT
    }
  }
}
