# A hundred files with content that is new in each run. ../../peers/files.yml says the same for Ansible.
variable "round" {
  type = string
}

layer "units" {
  on = "target"

  file {
    for_each = toset([for n in range(100) : "/srv/bench/many/${n}"])
    label    = each.key
    content  = "${each.key} as of round ${var.round}\n"
    mode     = "0644"
  }
}
