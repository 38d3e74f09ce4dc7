// Package chain has the tests of both relay daemons in a row, as processes under load: what is lost when one of them is
// stopped, killed, replaced or has too little room is what their counters say, to the packet.
package chain
