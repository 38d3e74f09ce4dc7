// Package eosconf is a switch's configuration as data: it reads what EOS prints, prints it back byte for byte, says how far
// it is from what is wanted, and which lines to type. It asks no switch.
//
// What EOS prints is a tree: a line that stands three spaces deeper than the one above belongs to it. Lines of "!" only
// separate, lines that begin with "!!" are an operator's comment on a section, and a few commands are followed by a text of
// any form that ends with EOF. Every rule here has its pair in reference/eos.md: [V] there was seen on a device, [I] is
// inferred and named so in the comment beside it.
package eosconf
