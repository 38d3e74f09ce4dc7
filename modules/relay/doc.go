// Package relay has the kinds that are the relay daemons': relay_binary, relay_service and relay_flow.
package relay
