# Fifty resources that are all in sync: 10 folders, 20 files, 10 services, 5 accounts, 5 commands that have nothing to do.
# ../../peers/noop.yml says the same for Ansible.
variable "hosts" {
  type    = list(string)
  default = ["target"]
}

layer "units" {
  on = var.hosts

  directory {
    for_each = toset([for n in range(10) : "/srv/bench/folder-${n}"])
    label    = each.key
    owner    = 0
    group    = 0
    mode     = "0755"
  }
  file {
    for_each = toset([for n in range(20) : "/srv/bench/file-${n}"])
    label    = each.key
    content  = "${each.key}: one line that is the same for every tool\n"
    mode     = "0644"
  }
  service {
    for_each = toset([for n in range(10) : "bench@${n}.service"])
    label    = each.key
    enabled  = true
    active   = true
  }
  user {
    for_each = { for n in range(5) : "bench-${n}" => 7000 + n }
    label    = each.key
    uid      = each.value
    gid      = each.value
    group    = each.key
    home     = "/srv/bench/home-${each.key}"
    shell    = "/bin/sh"
  }
  command {
    for_each = toset([for n in range(5) : "/srv/bench/made-${n}"])
    label    = "make ${each.key}"
    argv     = ["touch", each.key]
    unless   = ["test", "-e", each.key]
  }
}
